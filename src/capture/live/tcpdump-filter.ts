/**
 * A capture filter in tcpdump's language (pcap-filter(7)), compiled by tcpdump itself for the interface, so that its
 * VLAN handling is the kernel's. It sees the outermost headers only: tunnels need an expression that lets them through.
 */
import { spawnSync } from 'node:child_process';
import { endianness } from 'node:os';
import { InputError } from '../batch.ts';

const TIMEOUT_MS = 10_000;
/** What the program returns for a frame it accepts: bytes kept of it. */
const SNAP_BYTES = 262_144;
/** Of `struct sock_filter`. */
const INSTRUCTION_BYTES = 8;
/** BPF_MAXINSNS of linux/bpf_common.h. */
const INSTRUCTIONS_MAX = 4096;

/** The `struct sock_filter[]` of `expression`. Throws `InputError`, one line: no tcpdump, or what it did not understand. */
export function compileFilter(expression: string, interfaceName: string): Uint8Array {
  const args = ['-i', interfaceName, '-s', String(SNAP_BYTES), '-ddd', '--', expression];
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
  const env = { ...process.env, PATH: path };
  const { error, status, stdout, stderr } = spawnSync('tcpdump', args, { encoding: 'utf8', timeout: TIMEOUT_MS, env });
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT')
    throw new InputError('--filter needs tcpdump, which compiles the expression: it is not installed');
  if (error !== undefined) throw new InputError(`--filter: tcpdump cannot be run: ${error.message}`);
  if (status !== 0) throw new InputError(`--filter '${expression}': ${lastLine(stderr)}`);
  return parseProgram(stdout);
}

/** Reads the output of `tcpdump -ddd`: a count, then a line of four decimal numbers for each instruction. */
export function parseProgram(text: string): Uint8Array {
  const [count, ...lines] = text.trimEnd().split('\n');
  if (Number(count) !== lines.length || lines.length === 0 || lines.length > INSTRUCTIONS_MAX)
    throw new InputError('--filter: tcpdump did not print a filter program');
  const program = new Uint8Array(lines.length * INSTRUCTION_BYTES);
  const data = new DataView(program.buffer);
  const isLittle = endianness() === 'LE';
  for (const [i, line] of lines.entries()) {
    const match = /^(\d+) (\d+) (\d+) (\d+)$/.exec(line);
    if (match === null) throw new InputError('--filter: tcpdump did not print a filter program');
    const at = i * INSTRUCTION_BYTES;
    data.setUint16(at, Number(match[1]), isLittle);
    data.setUint8(at + 2, Number(match[2]));
    data.setUint8(at + 3, Number(match[3]));
    data.setUint32(at + 4, Number(match[4]), isLittle);
  }
  return program;
}

function lastLine(text: string): string {
  return (text.trimEnd().split('\n').at(-1) ?? '').replace(/^tcpdump: /, '');
}
