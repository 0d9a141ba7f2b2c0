/** `wiretrail verify` and `wiretrail anchor`: proof that a store is as it was written. */
import { Command } from 'commander';
import { EXIT_DONE, EXIT_RULE_MATCHED, UserError } from '../base/errors.ts';
import { formatTime } from '../base/time.ts';
import { type BesideReport, checkBeside } from '../store/proof/check-beside.ts';
import { readVerifyKey } from '../store/proof/sign.ts';
import { anchorOf, type VerifyReport, verifyStore } from '../store/proof/verify.ts';
import { anchorOfReads, verifyReads } from '../store/reads.ts';
import { recordAccess } from './access.ts';
import { counted, grouped, say } from './text.ts';

interface VerifyOptions {
  readonly store: string;
  readonly anchor?: string;
  readonly key?: string;
  readonly index?: boolean;
}

const EXAMPLES = `
Examples:
  wiretrail verify --store ./data
  wiretrail verify --index                            nor does an altered index hide a record from searches
  wiretrail verify --key audit.pub.pem                every complete segment must be signed by this key
  wiretrail verify --anchor "$(cat last-anchor.txt)"  nothing before that line was cut off or rewritten

Exit code 1 when something does not hold.`;

export function verifyCommand(exit: (code: number) => void): Command {
  return new Command('verify')
    .description('check that every record of a store is as it was written, and in its place')
    .option('--store <dir>', 'the store', 'data')
    .option('--anchor <line>', "what 'wiretrail anchor' printed earlier")
    .option('--index', 'also make index, columns, sums and filters again and compare: no search passes a record by')
    .option('--key <file>', 'public key (PEM, Ed25519) of --sign-key')
    .addHelpText('after', EXAMPLES)
    .action(({ store, anchor, key, index }: VerifyOptions) => {
      const publicKey = key === undefined ? undefined : readVerifyKey(key);
      recordAccess(store, 'READ', 'verify', index === true ? '--index' : '');
      const lines = anchor?.split(/\r?\n/).filter((line) => line.trim() !== '');
      const ofReads = lines?.find((line) => line.endsWith(READS_WORD))?.slice(0, -READS_WORD.length);
      const report = verifyStore(
        store,
        lines?.find((line) => !line.endsWith(READS_WORD)),
        publicKey,
      );
      const reads = verifyReads(store, ofReads);
      const beside = index === true ? checkBeside(store) : undefined;
      const faults = [...report.faults, ...(beside?.faults ?? []), ...(reads?.faults ?? [])];
      for (const fault of faults) say(`wiretrail: ${fault}`);
      process.stdout.write(`${summary(report, anchor !== undefined, key !== undefined)}\n`);
      if (beside !== undefined) process.stdout.write(`${besideSummary(beside)}\n`);
      if (reads !== undefined) process.stdout.write(`${readsSummary(reads)}\n`);
      exit(faults.length > 0 ? EXIT_RULE_MATCHED : EXIT_DONE);
    });
}

/** At the end of an anchor of what was read. */
const READS_WORD = ' reads';

function readsSummary({ records, faults }: VerifyReport): string {
  return faults.length > 0
    ? 'what was recorded of its use does NOT hold'
    : `all ${counted(records, 'recorded access')} to it hold`;
}

function besideSummary({ segments, faults }: BesideReport): string {
  if (faults.length > 0) return 'what is searched by does NOT say what the records say';
  return `index, columns, sums and filters of ${counted(segments, 'segment')} say what the records say`;
}

function summary(report: VerifyReport, anchored: boolean, keyed: boolean): string {
  const { records, segments, expired, signedSeq, faults, timeMinUs, timeMaxUs } = report;
  const gone = expired > 0 ? `; ${counted(expired, 'record')} expired before` : '';
  if (faults.length > 0) {
    return `the store does NOT hold: ${counted(faults.length, 'fault')}, ${grouped(records)} records hold${gone}`;
  }
  if (timeMinUs === undefined || timeMaxUs === undefined) return `the store is empty${gone}`;
  const span = `from ${formatTime(timeMinUs)} to ${formatTime(timeMaxUs)}`;
  const signed = keyed ? `; signed up to record ${signedSeq}` : '';
  const met = anchored ? '; the anchor is met' : '';
  return `all ${grouped(records)} records hold, ${span}, in ${counted(segments, 'segment')}${gone}${signed}${met}`;
}

const ANCHOR_EXAMPLES = `
Examples:
  wiretrail anchor --store ./data >> anchors.txt      once a day, to where the store's keepers cannot write
  wiretrail verify --store ./data --anchor "$(tail -n 2 anchors.txt)"`;

export function anchorCommand(exit: (code: number) => void): Command {
  return new Command('anchor')
    .description(
      "print lines to keep elsewhere: 'verify --anchor' checks the store, and what was recorded of its use, against them",
    )
    .option('--store <dir>', 'the store', 'data')
    .addHelpText('after', ANCHOR_EXAMPLES)
    .action(({ store }: { store: string }) => {
      const anchor = anchorOf(store);
      if (anchor === undefined) throw new UserError(`${store}: the store is empty, there is nothing to anchor`);
      process.stdout.write(`${anchor}\n`);
      const reads = anchorOfReads(store);
      if (reads !== undefined) process.stdout.write(`${reads}${READS_WORD}\n`);
      exit(EXIT_DONE);
    });
}
