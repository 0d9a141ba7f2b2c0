/** The byte streams of a capture as `tshark -z follow,tcp,raw` prints them. */
import { PROGRAM_PATH, run } from '../support/process.ts';

/** Conversations of one capture that are compared; the rest is left out by both. */
export const STREAMS_MAX = 24;

const TIMEOUT_MS = 20_000;

/** Bytes of both directions in hexadecimal, by sender. A run of lost bytes is the text that tshark puts in its place. */
export interface Stream {
  /** `address:port` of the end that sent first. */
  readonly node0: string;
  readonly node1: string;
  readonly from0: string;
  readonly from1: string;
}

export async function tsharkVersion(): Promise<string | undefined> {
  try {
    const { code, stdout } = await run(['tshark', '--version'], { timeoutMs: TIMEOUT_MS });
    return code === 0 ? stdout.split('\n')[0] : undefined;
  } catch {
    return undefined;
  }
}

/** Throws when tshark cannot read the file. */
export async function follow(path: string): Promise<Stream[]> {
  const taps = Array.from({ length: STREAMS_MAX }, (_, stream) => ['-z', `follow,tcp,raw,${stream}`]);
  const argv = ['tshark', '-n', '-q', '-r', path, ...taps.flat()];
  const { code, stdout, stderr } = await run(argv, { timeoutMs: TIMEOUT_MS, env: { PATH: PROGRAM_PATH, LC_ALL: 'C' } });
  // A file that ends inside of a packet is read up to there.
  if (code !== 0 && !stderr.includes('cut short')) throw new Error(`tshark could not read ${path}: ${stderr}`);
  return stdout.split(/^=+$/m).flatMap(parse);
}

function parse(text: string): Stream[] {
  const node0 = /^Node 0: (.+)$/m.exec(text)?.[1];
  const node1 = /^Node 1: (.+)$/m.exec(text)?.[1];
  if (node0 === undefined || node1 === undefined || node0 === ':0') return [];
  let from0 = '';
  let from1 = '';
  for (const line of text.slice(text.indexOf('Node 1:')).split('\n').slice(1)) {
    if (line.startsWith('\t')) from1 += line.trim();
    else from0 += line.trim();
  }
  return [{ node0, node1, from0, from1 }];
}
