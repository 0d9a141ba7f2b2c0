/** `wiretrail policy try`: what rules would have matched among the records of a store. */
import { recordToLine } from '../audit/json.ts';
import { formatTime } from '../base/time.ts';
import type { Policy } from '../policy/policy.ts';
import { parseMoment } from '../query/time.ts';
import { type TryMatch, tryPolicy } from '../sensor/try.ts';
import { printable } from '../store/format/table.ts';
import { recordAccess } from './access.ts';
import { print } from './output.ts';
import { grouped, say } from './text.ts';

export interface TryOptions {
  readonly store: string;
  readonly from?: string;
  readonly to?: string;
  readonly examples: number;
  readonly jsonl?: boolean;
}

const TEXT_CHARS_SHOWN = 160;

/** Prints matches as JSON lines, or examples of each rule as text; then how many records each rule matched. */
export async function printTrial(policy: Policy, options: TryOptions): Promise<void> {
  const nowUs = Date.now() * 1000;
  recordAccess(options.store, 'READ', 'policy try', policy.rules.map(({ id }) => id).join(' '));
  const trial = tryPolicy(policy, {
    store: options.store,
    fromUs: options.from === undefined ? undefined : parseMoment(options.from, nowUs),
    toUs: options.to === undefined ? undefined : parseMoment(options.to, nowUs),
    ...(options.jsonl ? {} : { examples: options.examples }),
  });
  for await (const event of trial) {
    if (event.kind === 'match') await printMatch(event, options.jsonl === true);
    else if (event.kind === 'problem') say(`wiretrail: ${event.message}`);
    else if (event.kind === 'done') {
      for (const [rule, count] of Object.entries(event.matches))
        say(`${rule}: ${grouped(count)} of ${grouped(event.records)} records`);
    }
  }
}

async function printMatch({ record, text, explained }: TryMatch, asJson: boolean): Promise<void> {
  if (asJson) return print(recordToLine(record));
  for (const { rule, sentences } of explained) {
    const who = `${formatTime(record.timeUs)} ${record.user ?? '(unknown)'} ${record.clientAddress ?? ''}`;
    await print(`${rule}  ${printable(who)}  ${shown(text ?? record.kind)}`);
    for (const sentence of sentences) await print(`    ${printable(sentence.text)}`);
  }
}

function shown(text: string): string {
  const line = printable(text);
  return line.length > TEXT_CHARS_SHOWN ? `${line.slice(0, TEXT_CHARS_SHOWN)}…` : line;
}
