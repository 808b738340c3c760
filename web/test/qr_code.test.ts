import jsqr from 'jsqr';
import { expect, test } from 'vitest';
import { groups } from '../src/pages/two_factor';
import { qrShape } from '../src/ui/qr_code';

// What a camera that looks straight at it sees: the runs of the path, in pixels.
function seen({ size, path }: { size: number; path: string }, scale: number): Uint8ClampedArray {
  const pixels = new Uint8ClampedArray(size * scale * size * scale * 4).fill(255);
  for (const [, x, y, width] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/g)) {
    for (let row = Number(y) * scale; row < (Number(y) + 1) * scale; ++row) {
      for (let column = Number(x) * scale; column < (Number(x) + Number(width)) * scale; ++column) {
        pixels.fill(0, (row * size * scale + column) * 4, (row * size * scale + column) * 4 + 3);
      }
    }
  }
  return pixels;
}

test('a decoder of somebody else reads what was written', () => {
  // jsqr is a module of another age: what it exports depends on who loads it.
  const decode = (jsqr as unknown as { default?: typeof jsqr }).default ?? jsqr;
  const texts = ['otpauth://totp/tollgate:ana%40tollgate.example?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=tollgate&algorithm=SHA1&digits=6&period=30', 'a', 'ü €', 'x'.repeat(300)];
  for (const text of texts) {
    const shape = qrShape(text);
    // Nothing but such runs.
    expect(shape.path.replace(/M\d+ \d+h(\d+)v1h-\1z/g, '')).toBe('');
    const found = decode(seen(shape, 4), shape.size * 4, shape.size * 4);
    expect(found?.data).toBe(text);
  }
});

test('a secret is read out in groups of four', () => {
  expect(groups('JBSWY3DPEHPK3PXP')).toBe('JBSW Y3DP EHPK 3PXP');
  expect(groups('JBSWY')).toBe('JBSW Y');
});
