// Writes the C++ file that carries the built page: node embed.mjs DIST TARGET. The files are copied to TARGET/page, so
// that another build of the page does not change them under the compiler, and compressed there.
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { extname, join, relative, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';

const [dist, target] = process.argv.slice(2).map((path) => resolve(path));
const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const copies = join(target, 'page');
rmSync(copies, { recursive: true, force: true });
mkdirSync(copies, { recursive: true });
cpSync(dist, copies, { recursive: true });

const names = readdirSync(dist, { recursive: true })
  .map((name) => join(dist, name))
  .filter((path) => statSync(path).isFile())
  .map((path) => relative(dist, path))
  .sort();

const declarations = [];
const rows = [];
// The assembler takes the bytes as they are: a megabyte of numbers would cost the compiler seconds.
function embed(symbol, path, size) {
  declarations.push(
    `__asm__(".pushsection .rodata.${symbol},\\"a\\",@progbits\\n"`,
    `        ".hidden ${symbol}\\n.global ${symbol}\\n${symbol}:\\n.incbin \\"${path}\\"\\n.byte 0\\n.popsection\\n");`,
    `extern "C" __attribute__((visibility("hidden"))) const char ${symbol}[];`,
  );
  return `{${symbol}, ${size}}`;
}
names.forEach((name, index) => {
  const type = types[extname(name)];
  if (!type) throw new Error(`no content type for ${name}`);
  const content = readFileSync(join(copies, name));
  const gzip = gzipSync(content, { level: 9 });
  writeFileSync(join(copies, `${name}.gz`), gzip);
  const etag = createHash('sha256').update(content).digest('hex').slice(0, 20);
  const plain = embed(`tollgate_page_${index}`, join(copies, name), content.length);
  const packed = gzip.length < content.length ? embed(`tollgate_page_${index}_gz`, join(copies, `${name}.gz`), gzip.length) : '{}';
  rows.push(`    {"/${name}", "${type}", ${plain}, ${packed}, "\\"${etag}\\""},`);
});

writeFileSync(
  join(target, 'web_files.cpp'),
  `// Written by web/embed.mjs.
#include "server/page/web_files.h"

${declarations.join('\n')}

namespace tollgate::page {

std::span<const WebFile> web_files() {
  static constexpr int kCount = ${rows.length};
  static const WebFile files[kCount] = {
${rows.join('\n')}
  };
  return files;
}

}  // namespace tollgate::page
`,
);
