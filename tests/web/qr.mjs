// What a QR code says: {"size": pixels on a side, "dark": "0110..."} as JSON on standard input, its text on standard output.
// For tests/web/test_two_factor.py.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const jsqr = createRequire(new URL('../../web/package.json', import.meta.url))('jsqr');
const decode = jsqr.default ?? jsqr;

const { size, dark } = JSON.parse(readFileSync(0, 'utf8'));
const pixels = new Uint8ClampedArray(size * size * 4).fill(255);
for (let at = 0; at < size * size; at++) if (dark[at] === '1') pixels.fill(0, at * 4, at * 4 + 3);
const found = decode(pixels, size, size);
if (!found) throw new Error('there is no QR code to be seen');
process.stdout.write(found.data);
