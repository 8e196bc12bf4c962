// Writes src/contract.ts from contract.schema.json; with --check, fails if it has drifted.

import { readFile, writeFile } from 'node:fs/promises';
import { compile } from 'json-schema-to-typescript';
import { format, resolveConfig } from 'prettier';

const schemaUrl = new URL('../contract.schema.json', import.meta.url);
const targetUrl = new URL('../src/contract.ts', import.meta.url);

const schema = JSON.parse(await readFile(schemaUrl, 'utf8'));
const source = await compile(schema, 'Contract', {
  additionalProperties: false,
  bannerComment:
    '// Generated from contract.schema.json by `jlpm contract`. Change the records instead.',
  format: false
});
const config = await resolveConfig(targetUrl.pathname);
const text = await format(source, { ...config, parser: 'typescript' });

if (process.argv.includes('--check')) {
  const present = await readFile(targetUrl, 'utf8').catch(() => '');
  if (present !== text) {
    console.error(
      'src/contract.ts has drifted from contract.schema.json. Run `jlpm contract`.'
    );
    process.exit(1);
  }
} else {
  await writeFile(targetUrl, text);
}
