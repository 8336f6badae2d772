/*
 * A program that ignores SIGCHLD, so that the kernel takes away what is reparented to it, and then waits for signals
 * for ever; written out in machine code so that no compiler is needed.
 */
const code: Readonly<Record<string, Uint8Array>> = {
  // push 0,0,0,SIG_IGN; rt_sigaction(SIGCHLD, rsp, 0, 8); loop: pause(); jmp loop
  amd64: Uint8Array.from([
    0x6a, 0x00, 0x6a, 0x00, 0x6a, 0x00, 0x6a, 0x01, 0xb8, 0x0d, 0x00, 0x00, 0x00, 0xbf, 0x11, 0x00, 0x00, 0x00, 0x48,
    0x89, 0xe6, 0x31, 0xd2, 0x41, 0xba, 0x08, 0x00, 0x00, 0x00, 0x0f, 0x05, 0xb8, 0x22, 0x00, 0x00, 0x00, 0x0f, 0x05,
    0xeb, 0xf7,
  ]),
  // the same with ppoll(0, 0, 0, 0), as arm64 has no pause
  arm64: words([
    0xd10083ff, 0xd2800020, 0xa9007fe0, 0xa9017fff, 0xd2800220, 0x910003e1, 0xd2800002, 0xd2800103, 0xd28010c8,
    0xd4000001, 0xd2800000, 0xd2800001, 0xd2800002, 0xd2800003, 0xd2800928, 0xd4000001, 0x17fffffa,
  ]),
};

const machines: Readonly<Record<string, number>> = { amd64: 62, arm64: 183 };
const base = 0x400000;
const headerSize = 64 + 56;

/** A static ELF executable of some 160 bytes. @throws Error for another processor than amd64 and arm64 */
export function pauseProgram(architecture: string): Buffer {
  const text = code[architecture];
  const machine = machines[architecture];
  if (text === undefined || machine === undefined) throw new Error(`there is no pause program for ${architecture}`);
  const elf = Buffer.alloc(headerSize + text.length);
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  elf.writeUInt16LE(2, 16); // executable
  elf.writeUInt16LE(machine, 18);
  elf.writeUInt32LE(1, 20);
  elf.writeBigUInt64LE(BigInt(base + headerSize), 24); // entry
  elf.writeBigUInt64LE(64n, 32); // program headers
  elf.writeUInt16LE(64, 52);
  elf.writeUInt16LE(56, 54);
  elf.writeUInt16LE(1, 56);
  elf.writeUInt32LE(1, 64); // one loadable segment,
  elf.writeUInt32LE(5, 68); // readable and executable
  elf.writeBigUInt64LE(BigInt(base), 80);
  elf.writeBigUInt64LE(BigInt(base), 88);
  elf.writeBigUInt64LE(BigInt(elf.length), 96);
  elf.writeBigUInt64LE(BigInt(elf.length), 104);
  elf.writeBigUInt64LE(0x1000n, 112);
  elf.set(text, headerSize);
  return elf;
}

function words(values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, index * 4);
  return bytes;
}
