/** Line differences of two texts (E. W. Myers, "An O(ND) Difference Algorithm and Its Variations", 1986). */

export interface DiffLine {
  /** Kept, removed, or added. */
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
}

export interface Hunk {
  /** First line in either text, from 1. */
  readonly fromLine: number;
  readonly toLine: number;
  readonly lines: readonly DiffLine[];
}

/** Beyond so many differing lines all of the old text is shown as removed, all of the new as added. */
const DIFFERENCES_MAX = 2000;
const CONTEXT_LINES = 3;

/** Runs of changed lines with a few lines around them; none when the texts are equal. */
export function diffLines(from: string, to: string): Hunk[] {
  const a = from.split('\n');
  const b = to.split('\n');
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const middle = script(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  const kept = (lines: readonly string[]): DiffLine[] => lines.map((text) => ({ sign: ' ', text }));
  return hunksOf([...kept(a.slice(0, head)), ...middle, ...kept(a.slice(a.length - tail))]);
}

/** A shortest script of lines that turns `a` into `b`. */
function script(a: readonly string[], b: readonly string[]): DiffLine[] {
  const bound = Math.min(a.length + b.length, DIFFERENCES_MAX);
  const offset = bound + 1;
  const furthest = new Int32Array(2 * offset + 1);
  const trace: Int32Array[] = [];
  for (let d = 0; d <= bound; d++) {
    trace.push(furthest.slice());
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && at(furthest, offset + k - 1) < at(furthest, offset + k + 1));
      let x = down ? at(furthest, offset + k + 1) : at(furthest, offset + k - 1) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      furthest[offset + k] = x;
      if (x >= a.length && x - k >= b.length) return backtrack(a, b, trace, offset);
    }
  }
  return [...a.map((text) => ({ sign: '-' as const, text })), ...b.map((text) => ({ sign: '+' as const, text }))];
}

function at(values: Int32Array, index: number): number {
  return values[index] ?? 0;
}

function backtrack(
  a: readonly string[],
  b: readonly string[],
  trace: readonly Int32Array[],
  offset: number,
): DiffLine[] {
  const lines: DiffLine[] = [];
  let x = a.length;
  let y = b.length;
  for (let d = trace.length - 1; d >= 0; d--) {
    const furthest = trace[d] ?? new Int32Array(0);
    const k = x - y;
    const down = k === -d || (k !== d && at(furthest, offset + k - 1) < at(furthest, offset + k + 1));
    const before = down ? k + 1 : k - 1;
    const startX = d === 0 ? 0 : at(furthest, offset + before);
    const startY = startX - (d === 0 ? 0 : before);
    while (
      x > startX &&
      y > startY &&
      (d === 0 || x > (down ? startX : startX + 1) || y > (down ? startY + 1 : startY))
    ) {
      x--;
      y--;
      lines.push({ sign: ' ', text: a[x] ?? '' });
    }
    if (d === 0) break;
    lines.push(down ? { sign: '+', text: b[startY] ?? '' } : { sign: '-', text: a[startX] ?? '' });
    x = startX;
    y = startY;
  }
  return lines.reverse();
}

function hunksOf(lines: readonly DiffLine[]): Hunk[] {
  const hunks: Hunk[] = [];
  let current: { fromLine: number; toLine: number; lines: DiffLine[] } | undefined;
  let fromLine = 1;
  let toLine = 1;
  let lastChange = Number.NEGATIVE_INFINITY;
  lines.forEach((line, i) => {
    const near = lines.slice(i, i + CONTEXT_LINES + 1).some(({ sign }) => sign !== ' ');
    if (line.sign !== ' ') lastChange = i;
    if (near || i - lastChange <= CONTEXT_LINES) {
      if (current === undefined) {
        current = { fromLine, toLine, lines: [] };
        hunks.push(current);
      }
      current.lines.push(line);
    } else {
      current = undefined;
    }
    if (line.sign !== '+') fromLine++;
    if (line.sign !== '-') toLine++;
  });
  return hunks;
}
