import assert from "node:assert/strict";
import { libraryOf } from "../../../../hosts/lab/world/userland";

describe("libraries in the output of ldd", () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f0000000000)", "/lib/x86_64-linux-gnu/libc.so.6"],
    ["\t/lib64/ld-linux-x86-64.so.2 (0x00007f0000000000)", "/lib64/ld-linux-x86-64.so.2"],
    ["\tlinux-vdso.so.1 (0x00007ffd0bd3f000)", undefined],
    ["\tstatically linked", undefined],
    ["/usr/bin/cp:", undefined],
  ];
  for (const [line, expected] of cases) {
    it(`${line.trim().split(" ")[0]} is ${expected ?? "no file"}`, () => assert.equal(libraryOf(line), expected));
  }
});
