// Checks Kubernetes objects, YAML documents on standard input, against Kubernetes' own schemas.
//
// kubernetes-models is made from Kubernetes' OpenAPI document: its validators know types, formats and what is required;
// its type declarations, put before the TypeScript compiler, know every member there is, so that a misspelt one is found.
// What neither knows: rules that the API server alone has, such as which members exclude one another.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import ts from "typescript";

const objects = parseAllDocuments(readFileSync(0, "utf8")).map((document) => document.toJS());
const faults = [];
const here = fileURLToPath(new URL(".", import.meta.url));
const work = mkdtempSync(join(here, "objects-")); // here: the declarations are found from here
const files = [];

for (const [n, object] of objects.entries()) {
  // kubectl breaks long base64 into lines, which the API server takes and the schema's format does not.
  if (object.kind === "Secret")
    for (const key of Object.keys(object.data ?? {})) object.data[key] = object.data[key].replaceAll("\n", "");
  const name = `${object.kind} ${object.metadata?.name}`;
  const place = `kubernetes-models/${object.apiVersion}/${object.kind}`;
  let model;
  try {
    model = (await import(place))[object.kind];
  } catch {
    faults.push(`${name}: there is no ${object.kind} in ${object.apiVersion}`);
    continue;
  }
  try {
    new model(object).validate();
  } catch (error) {
    faults.push(`${name}: ${error.message}`);
  }
  files.push(join(work, `${n}.ts`));
  writeFileSync(
    files.at(-1),
    `import type { I${object.kind} } from "${place}";\n` +
      `const object: I${object.kind} = ${JSON.stringify(object, null, 1)};\nexport default object;\n`,
  );
}

const program = ts.createProgram(files, {
  noEmit: true,
  strict: true,
  skipLibCheck: true,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  target: ts.ScriptTarget.ES2022,
});
for (const found of ts.getPreEmitDiagnostics(program)) {
  const object = objects[Number(found.file?.fileName.match(/(\d+)\.ts$/)?.[1])];
  const text = ts.flattenDiagnosticMessageText(found.messageText, " ");
  faults.push(`${object?.kind} ${object?.metadata?.name}: ${text}`);
}
rmSync(work, { recursive: true });

if (!objects.length) faults.push("there is nothing to check");
for (const fault of faults) console.error(fault);
if (faults.length) process.exit(1);
console.log(`${objects.length} objects are as Kubernetes' schemas have them`);
