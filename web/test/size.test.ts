import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

const here = new URL('..', import.meta.url).pathname;

// The scripts that come with the document, and what they name to be had at once.
function loadedAtOnce(folder: string): string[] {
  const names = [...readFileSync(join(folder, 'index.html'), 'utf8').matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map((found) => found[1] ?? '');
  for (const name of names) {
    for (const [, other] of readFileSync(join(folder, name), 'utf8').matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) {
      if (!names.includes(`assets/${other}`)) names.push(`assets/${other}`);
    }
  }
  return names;
}

test('the script of the run page is at most 60 KB, compressed, and so are all together', { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-page-'));
  try {
    // As it is shipped: under the tests' own NODE_ENV it would be larger.
    execFileSync(join(here, 'node_modules/.bin/vite'), ['build', '--logLevel', 'error', '--outDir', folder], { cwd: here, env: { ...process.env, NODE_ENV: 'production' } });
    const size = (names: string[]) => names.reduce((sum, name) => sum + gzipSync(readFileSync(join(folder, name)), { level: 9 }).length, 0);
    const all = readdirSync(join(folder, 'assets')).filter((name) => name.endsWith('.js')).map((name) => `assets/${name}`);
    const atOnce = loadedAtOnce(folder);
    expect(size(all)).toBeLessThanOrEqual(60 * 1024);
    expect(size(atOnce)).toBeGreaterThan(10_000);
    // The encoder of QR codes and the pages that are not a run's come when they are asked for.
    expect(size(atOnce)).toBeLessThan(0.75 * size(all));
    const document = readFileSync(join(folder, 'index.html'), 'utf8');
    expect(document).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\son\w+=|https?:/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('no source makes markup or code from text', () => {
  const files = readdirSync(join(here, 'src'), { recursive: true }).map(String).filter((name) => /\.tsx?$/.test(name));
  for (const name of files) {
    expect(readFileSync(join(here, 'src', name), 'utf8'), name).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|dangerouslySet|document\.write|\beval\(|new Function|srcdoc/);
  }
});
