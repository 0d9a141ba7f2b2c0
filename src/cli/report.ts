/** The short summary at the end of a replay or a sensor's run. */
import type { OutletReport } from '../alarm/desk.ts';
import type { SourceStats } from '../contracts/packet.ts';
import { SEVERITIES } from '../contracts/record.ts';
import type { EvidenceSummary } from '../sensor/evidence.ts';
import type { PipelineCounters } from '../sensor/pipeline.ts';
import type { TallySnapshot } from '../sensor/tally.ts';
import { byteSize, counted, grouped, ranking, say } from './text.ts';

const NAMES_SHOWN = 8;

/**
 * Records and flows that this process failed to handle, and connections it had no memory for. What a mirror port, or the one who wrote a capture file, missed
 * is not among them; packets that a live ring dropped are the caller's to add.
 */
export function internalLoss(counters: PipelineCounters): number {
  const { audit, reassembly, protocols } = counters;
  return audit.dropped + (reassembly['endedEvicted'] ?? 0) + (protocols['memoryReliefs'] ?? 0);
}

/** How long alarms may take to leave when everything else is done. */
export const ALARM_GRACE_MS = 5000;

/** One line for each receiver. */
export function printAlarms(reports: readonly OutletReport[]): void {
  for (const { name, sent, failed, dropped, problem } of reports) {
    const lost = failed + dropped === 0 ? '' : `, ${grouped(failed)} given up, ${grouped(dropped)} dropped`;
    say(`alarms      ${grouped(sent)} to ${name}${lost}${problem === undefined ? '' : ` (${problem})`}`);
  }
}

export function printSummary(tally: TallySnapshot, stats: SourceStats, counters: PipelineCounters): void {
  const { audit, protocols } = counters;
  say(`packets     ${grouped(stats.packets)} (${byteSize(stats.bytes)})`);
  say(`sessions    ${grouped(audit.sessions)}${audit.opaque ? `, ${grouped(audit.opaque)} encrypted` : ''}`);
  say(`logins      ${grouped(audit.logins)}${audit.failedLogins ? `, ${grouped(audit.failedLogins)} failed` : ''}`);
  if (tally.users.size > 0) say(`users       ${ranking(tally.users, NAMES_SHOWN)}`);
  say(`statements  ${grouped(audit.statements)}${tally.failed ? `, ${grouped(tally.failed)} failed` : ''}`);
  if (tally.operations.size > 0) say(`operations  ${ranking(tally.operations, NAMES_SHOWN)}`);
  say(`alerts      ${alerts(tally)}`);
  say(`loss        ${loss(tally, stats, counters)}`);
  const again = duplicates(counters);
  if (again) say(`duplicates  ${again}`);
  if (counters.evidence) say(`evidence    ${evidence(counters.evidence)}`);
  const other = protocols['unrecognisedFlows'] ?? 0;
  if (other > 0) say(`not a database  ${counted(other, 'flow')}`);
}

function alerts(tally: TallySnapshot): string {
  const parts = [...SEVERITIES]
    .reverse()
    .flatMap((severity) =>
      tally.alerts.has(severity) ? [`${severity} ${grouped(tally.alerts.get(severity) ?? 0)}`] : [],
    );
  if (parts.length === 0) return 'none';
  return `${parts.join(', ')} (${ranking(tally.rules, 4)})`;
}

function evidence({ packets, deletedFiles, failures, evictions }: EvidenceSummary): string {
  const parts = [`${counted(packets, 'packet')} kept`];
  if (deletedFiles > 0) parts.push(`${counted(deletedFiles, 'old file')} deleted`);
  if (failures > 0) parts.push(`${counted(failures, 'packet')} could not be written`);
  if (evictions > 0) parts.push(`${counted(evictions, 'connection')} without room`);
  return parts.join(', ');
}

/** What was sent again, or seen on a second mirror port. */
function duplicates({ decode, reassembly }: PipelineCounters): string {
  const segments = reassembly['duplicateSegments'] ?? 0;
  const fragments = (decode['fragmentsOverlapping'] ?? 0) + (decode['fragmentsRepeated'] ?? 0);
  const parts: string[] = [];
  if (segments > 0)
    parts.push(`${counted(segments, 'segment')} seen before (${byteSize(reassembly['duplicateBytes'] ?? 0)})`);
  if (fragments > 0) parts.push(`${counted(fragments, 'IP fragment')} seen before`);
  return parts.join(', ');
}

function loss(tally: TallySnapshot, stats: SourceStats, { protocols, audit, reassembly }: PipelineCounters): string {
  const parts: string[] = [];
  if (stats.drops > 0) parts.push(`${counted(stats.drops, 'packet')} dropped while capturing`);
  if (stats.truncatedInputs > 0) parts.push(`${counted(stats.truncatedInputs, 'file')} cut off`);
  if (stats.cutPackets > 0)
    parts.push(`${counted(stats.cutPackets, 'packet')} cut short (${byteSize(stats.cutBytes)} not captured)`);
  const gapBytes = protocols['gapBytes'] ?? 0;
  if (gapBytes > 0) parts.push(`${byteSize(gapBytes)} missing on the wire`);
  if (tally.marked > 0) parts.push(`${counted(tally.marked, 'statement')} marked`);
  if (reassembly['endedEvicted']) parts.push(`${counted(reassembly['endedEvicted'], 'flow')} evicted`);
  const reliefs = protocols['memoryReliefs'] ?? 0;
  if (reliefs > 0) parts.push(`session memory short ${counted(reliefs, 'time')}`);
  if (audit.dropped > 0) parts.push(`${counted(audit.dropped, 'record')} dropped`);
  return parts.length > 0 ? parts.join(', ') : 'none';
}

/** What to try next, once there is a store to search. */
export function printNextSteps(store: string): void {
  const query = `wiretrail query --store ${store}`;
  const steps = [
    [`${query} --user alice --operation DELETE`, 'who deleted what'],
    [`${query} 'kind:login failed:yes'`, 'failed logins'],
    [`${query} --count-by user,op`, 'a first picture'],
    [`wiretrail verify --store ${store}`, 'is it as it was written?'],
  ] as const;
  const width = Math.max(...steps.map(([command]) => command.length));
  say('');
  for (const [command, why] of steps) say(`${command.padEnd(width)}   ${why}`);
  say("('wiretrail' is 'node dist/main.js' here; every command has --help with examples)");
}
