/* check.js DESCRIPTION [PAIRS]: is the description OpenAPI 3.1, and do the recorded requests and
 * answers (one JSON object a line: at, schema, value;
 * a schema may refer to the description's) have the shapes it says? Prints what is wrong. */
import { readFileSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const description = JSON.parse(readFileSync(process.argv[2], "utf8"));
const wrong = [];

const result = await new Validator().validate(description);
if (!result.valid) wrong.push({ at: "description", errors: result.errors });
else if (!process.argv[3] && (await new Validator().validate({ openapi: "3.1.0" })).valid)
    wrong.push({ at: "validator", errors: "it accepts anything" });

const ajv = new Ajv2020.default({ allErrors: true, strict: false });
addFormats.default(ajv);
ajv.addSchema(description, "api");
const known = new Map();
function compiled(schema) {
    const text = JSON.stringify(schema).replaceAll('"$ref":"#', '"$ref":"api#');
    if (!known.has(text)) known.set(text, ajv.compile(JSON.parse(text)));
    return known.get(text);
}
for (const line of process.argv[3] ? readFileSync(process.argv[3], "utf8").split("\n") : []) {
    if (!line) continue;
    const { at, schema, value } = JSON.parse(line);
    const validate = compiled(schema);
    if (!validate(value)) wrong.push({ at, errors: validate.errors });
}
if (wrong.length) {
    console.log(JSON.stringify(wrong.slice(0, 20), null, 1));
    process.exit(1);
}
