import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

const here = new URL('..', import.meta.url).pathname;

test('the script of the run page is at most 60 KB, compressed', { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-page-'));
  try {
    execFileSync(join(here, 'node_modules/.bin/vite'), ['build', '--logLevel', 'error', '--outDir', folder], { cwd: here });
    const scripts = readdirSync(join(folder, 'assets')).filter((name) => name.endsWith('.js'));
    const size = scripts.reduce((sum, name) => sum + gzipSync(readFileSync(join(folder, 'assets', name)), { level: 9 }).length, 0);
    expect(size).toBeLessThanOrEqual(60 * 1024);
    expect(size).toBeGreaterThan(10_000);
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
