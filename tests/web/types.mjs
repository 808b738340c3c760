// The attributes that the page reads, from web/src/api/types.ts as JSON: {interface: {name: kind}}, a kind as in the
// server's description of its API. For tests/web/test_types.py.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const place = new URL('../../web/src/api/types.ts', import.meta.url);
const ts = createRequire(new URL('../../web/package.json', import.meta.url))('typescript');
const source = ts.createSourceFile('types.ts', readFileSync(place, 'utf8'), ts.ScriptTarget.ES2022, true);
const { SyntaxKind } = ts;

const aliases = new Map();
const interfaces = new Map();
for (const statement of source.statements) {
  if (ts.isTypeAliasDeclaration(statement)) aliases.set(statement.name.text, statement.type);
  if (ts.isInterfaceDeclaration(statement)) interfaces.set(statement.name.text, statement);
}

function kind(type) {
  if (ts.isUnionTypeNode(type)) {
    const kinds = type.types.map(kind);
    const real = [...new Set(kinds.filter((one) => one !== 'null'))];
    return real.join('|') + (kinds.includes('null') ? '?' : '');
  }
  if (ts.isLiteralTypeNode(type)) return type.literal.kind === SyntaxKind.NullKeyword ? 'null' : type.literal.kind === SyntaxKind.StringLiteral ? 'string' : 'boolean';
  if (ts.isArrayTypeNode(type)) return 'array';
  if (ts.isTypeReferenceNode(type) && aliases.has(type.typeName.getText())) return kind(aliases.get(type.typeName.getText()));
  return { [SyntaxKind.StringKeyword]: 'string', [SyntaxKind.NumberKeyword]: 'integer', [SyntaxKind.BooleanKeyword]: 'boolean' }[type.kind] ?? 'object';
}

const found = {};
for (const [name, declaration] of interfaces) {
  found[name] = {};
  for (const member of declaration.members) found[name][member.name.text] = { kind: kind(member.type), optional: Boolean(member.questionToken) };
}
process.stdout.write(JSON.stringify(found));
