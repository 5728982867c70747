// The SDK reads the pack's version from package.json of the working directory, which is that of the program.
process.chdir(__dirname);
// The SDK's runner compiles a TypeScript pack with type checks, which takes seconds, and no option turns that off.
// So the pack starts as JavaScript and reads its TypeScript through tsx.
require("tsx/cjs");
require("./index.ts");
