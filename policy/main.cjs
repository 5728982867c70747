// The SDK's runner compiles a TypeScript pack with type checks, which takes seconds, and no option turns that off.
// So the pack starts as JavaScript and reads its TypeScript through tsx.
require("tsx/cjs");
require("./index.ts");
