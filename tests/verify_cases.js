// Verifies many folders in one process: on standard input {"files": {key: base64}, "cases":
// [{"set": {key: base64}, "gone": [key]}]}; answers a list of reports.
"use strict";
const { verify } = require("../docs/verify.js");

async function main() {
  const { files, cases } = JSON.parse(require("node:fs").readFileSync(0, "utf-8"));
  const reports = [];
  for (const { set, gone } of cases) {
    const held = Object.entries({ ...files, ...set }).filter(([path]) => !gone.includes(path));
    reports.push(await verify(held.map(([path, text]) => {
      const bytes = new Uint8Array(Buffer.from(text, "base64"));
      return { path, size: bytes.length, read: () => bytes };
    })));
  }
  console.log(JSON.stringify(reports));
}

main();
