/** `wiretrail policy`: check the files, run the tests that their rules carry. */
import { Command } from 'commander';
import { merged } from '../audit/split.ts';
import { EXIT_DONE, EXIT_RULE_MATCHED } from '../base/errors.ts';
import { formatTime } from '../base/time.ts';
import { diffPolicies } from '../policy/files/diff.ts';
import { formatProblem, PolicyError } from '../policy/files/source.ts';
import { type Policy, shortVersion } from '../policy/policy.ts';
import { runPolicyTests } from '../policy/rule-tests.ts';
import { readPolicies } from '../sensor/assemble.ts';
import { listPolicies, readArchivedPolicy } from '../sensor/policy-archive.ts';
import { pushPolicy, reloadPolicy } from '../sensor/remote.ts';
import { createAnalyzer } from '../sql/analyzer.ts';
import { StoreReader } from '../store/reader.ts';
import { DEFAULT_SOCKET, PACKAGED_POLICIES, positiveInteger } from './options.ts';
import { counted, say } from './text.ts';
import { printTrial, type TryOptions } from './try.ts';

const EXAMPLES = `
Examples:
  wiretrail policy check policies/          refuse broken files with file, line, column and reason
  wiretrail policy test policies/           run what each rule says it must and must not match
  wiretrail policy try rule.yaml --from -7d what a new rule would have matched in the store ./data
  wiretrail policy push policies/           put them in force in the running sensor
  wiretrail policy push                     have the sensor read its own files again, as SIGHUP does
  wiretrail policy versions --store data    policies that judged the records there
  wiretrail policy diff 1f… 2e… --store data   what changed between two of them`;

export function policyCommand(exit: (code: number) => void): Command {
  const command = new Command('policy')
    .description('check, test, try and push policy files')
    .addHelpText('afterAll', EXAMPLES);
  command
    .command('check')
    .description('read policies and say what is wrong with them; exit 2 when something is')
    .argument('[path...]', 'folders or files', [PACKAGED_POLICIES])
    .action((paths: string[]) => {
      const policy = load(paths);
      const { rules, disabled } = policy;
      const off = disabled.length > 0 ? `, ${counted(disabled.length, 'file')} off (enabled: false)` : '';
      say(`${counted(rules.length, 'rule')}${off}, version ${shortVersion(policy)}: no errors`);
      exit(EXIT_DONE);
    });
  command
    .command('test')
    .description('run the tests of all rules, also of packs that are off; exit 1 when one fails')
    .argument('[path...]', 'folders or files', [PACKAGED_POLICIES])
    .action((paths: string[]) => exit(runTests(paths)));
  command
    .command('try')
    .description('say what rules would have matched among the records of a store')
    .argument('<path...>', 'files or folders of rules')
    .option('--store <dir>', 'the store', 'data')
    .option('--from <time>', 'first moment: ISO 8601, or a distance back such as -7d')
    .option('--to <time>', 'moment at which to end')
    .option('--examples <count>', 'matches shown of each rule', positiveInteger, 3)
    .option('--jsonl', 'all matched records, as JSON lines')
    .action(async (paths: string[], options: TryOptions) => {
      await printTrial(load(paths), options);
      exit(EXIT_DONE);
    });
  command
    .command('push')
    .description('put policies in force in a running sensor; a broken one is refused and the old one stays (exit 2)')
    .argument('[path...]', 'folders or files; without, those the sensor was started with are read again')
    .option('--socket <path>', 'control socket of the sensor', DEFAULT_SOCKET)
    .action(async (paths: string[], options: { readonly socket: string }) => {
      await push(paths, options.socket);
      exit(EXIT_DONE);
    });
  command
    .command('versions')
    .description('list the policies that judged the records of a store, newest first')
    .option('--store <dir>', 'the store', 'data')
    .action(({ store }: { readonly store: string }) => {
      printVersions(store);
      exit(EXIT_DONE);
    });
  command
    .command('diff')
    .description('say what changed from one policy of a store to another')
    .argument('<from>', 'version, as audit.policy_version has it')
    .argument('<to>', 'version')
    .option('--store <dir>', 'the store', 'data')
    .action((from: string, to: string, { store }: { readonly store: string }) => {
      printDiff(store, from, to);
      exit(EXIT_DONE);
    });
  return command;
}

async function push(paths: readonly string[], socket: string): Promise<void> {
  const inForce = paths.length === 0 ? await reloadPolicy(socket) : await pushPolicy(socket, load(paths).sources);
  say(`policy ${inForce.version} in force, ${counted(inForce.rules, 'rule')}`);
}

/** Policies that judged the store's records, newest first. */
function printVersions(store: string): void {
  checkStore(store);
  for (const { version, sinceUs, rules, files } of listPolicies(store))
    process.stdout.write(`${version}  ${formatTime(sinceUs)}  ${counted(rules, 'rule')}  ${files.join(' ')}\n`);
}

/** Throws a StoreError where there is no store. */
function checkStore(store: string): void {
  new StoreReader(store).close();
}

const LINE_MARKS = { same: ' ', added: '+', removed: '-' } as const;

/** Rules that came, went and changed, then the lines of each file. */
function printDiff(store: string, from: string, to: string): void {
  checkStore(store);
  const { rules, files } = diffPolicies(readArchivedPolicy(store, from), readArchivedPolicy(store, to));
  for (const { rule, change, keys } of rules)
    process.stdout.write(`${change} ${rule}${keys.length > 0 ? `: ${keys.join(', ')}` : ''}\n`);
  for (const { file, change, lines } of files) {
    process.stdout.write(`\n${change} ${file}\n`);
    for (const { kind, text, line } of lines)
      process.stdout.write(`${String(line).padStart(5)} ${LINE_MARKS[kind]} ${text}\n`);
  }
}

function runTests(paths: readonly string[]): number {
  const { results, untested } = runPolicyTests(load(paths), createAnalyzer(), merged);
  let failed = 0;
  for (const { rule, file, line, expected, passed, subject } of results) {
    if (passed) continue;
    failed++;
    say(`${file}:${line}: ${rule} must ${expected === 'match' ? '' : 'not '}match: ${subject}`);
  }
  for (const rule of untested) say(`${rule} has no test of both kinds (match, miss)`);
  say(`${results.length - failed} passed, ${failed} failed, ${counted(untested.length, 'rule')} untested`);
  return failed > 0 ? EXIT_RULE_MATCHED : EXIT_DONE;
}

/** All problems are printed, one a line; the first becomes the error. */
function load(paths: readonly string[]): Policy {
  try {
    return readPolicies(paths, { disabledToo: true });
  } catch (error) {
    if (error instanceof PolicyError) for (const problem of error.problems.slice(1)) say(formatProblem(problem));
    throw error;
  }
}
