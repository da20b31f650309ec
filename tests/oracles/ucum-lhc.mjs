// Converts rows of [value, from, to, molar mass or null, valence or null] given as JSON on standard input with
// @lhncbc/ucum-lhc, an independent implementation of UCUM; writes the list of results, null where it refuses.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const load = createRequire(process.env.CALCIPATH_NODE_FOLDER ? `${process.env.CALCIPATH_NODE_FOLDER}/` : import.meta.url);
const units = load("@lhncbc/ucum-lhc").UcumLhcUtils.getInstance();
const rows = JSON.parse(readFileSync(0, "utf8"));
const results = rows.map(([value, from, to, molecularWeight, charge]) => {
  const answer = units.convertUnitTo(from, value, to, { molecularWeight, charge });
  return answer.status === "succeeded" ? answer.toVal : null;
});
console.log(JSON.stringify(results));
