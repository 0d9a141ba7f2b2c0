/** Options of the commands that make records: where those go, what judges them, what connections may take of memory. */
import type { Command } from 'commander';
import { ALARM_FORMS } from '../alarm/forms.ts';
import type { OverlapRange } from '../reassembly/overlap.ts';
import type { AssemblyOptions } from '../sensor/assemble.ts';
import type { StoreOptions } from '../store/store.ts';
import { type FlowRecordOptions, flowRecordOptions } from './flow-records.ts';
import {
  DEFAULT_FLOWS_MAX,
  evidenceOptions,
  evidenceSizeOption,
  flowCount,
  name,
  overlapRange,
  PACKAGED_POLICIES,
  portHint,
  repeated,
  sessionMemoryOption,
} from './options.ts';
import { type RetentionOptions, retentionOptions, storeOptionsOf } from './retention.ts';

export interface RecordingOptions extends RetentionOptions, FlowRecordOptions {
  readonly store?: string;
  readonly jsonl?: string;
  readonly policies?: readonly string[];
  readonly maskKey?: string;
  readonly alarm?: readonly string[];
  readonly evidence?: string;
  readonly evidenceMaxBytes: number;
  readonly sensorName: string;
  readonly port?: ReadonlyMap<number, string>;
  readonly overlap?: readonly OverlapRange[];
  readonly flows: number;
  readonly sessionMemory: number;
}

/** Adds the options; `sensorName` is the default of `--sensor-name`. */
export function recordingOptions(command: Command, sensorName: string): Command {
  command
    .optionsGroup('Records:')
    .option('--store <dir>', 'write records into a store')
    .option('--jsonl <path>', 'write records as JSON lines; - is standard output')
    .option('--sensor-name <name>', 'name written on every record', name, sensorName);
  return flowRecordOptions(retentionOptions(command))
    .optionsGroup('Policies and alerts:')
    .option('--policies <dir>', 'folder or file of policies, repeatable (default: those that come with it)', repeated)
    .option('--mask-key <file>', 'secret of the hashes in place of masked values (default: mask.key in the store)')
    .option('--alarm <url>', `where alarms go, repeatable: ${ALARM_FORMS}`, repeated)
    .option('--evidence <dir>', 'keep the packets behind alerts in a folder, as pcapng')
    .addOption(evidenceSizeOption())
    .optionsGroup('Connections:')
    .option('--port <port=protocol>', 'protocol hint, repeatable', portHint)
    .option('--overlap <hosts=policy>', 'how hosts resolve overlapping segments: first, last, bsd, linux', overlapRange)
    .option('--flows <count>', 'connections tracked at once', flowCount, DEFAULT_FLOWS_MAX)
    .addOption(sessionMemoryOption());
}

type Recording = Pick<
  AssemblyOptions,
  'sensor' | 'policies' | 'maskKey' | 'ports' | 'flowsMax' | 'overlap' | 'evidence' | 'store' | 'jsonl'
> & { readonly sessionMemoryMax: number; readonly storeOptions: StoreOptions };

/** What the options say, as a pipeline and its outputs take it. */
export function recordingOf(options: RecordingOptions): Recording {
  return {
    sensor: options.sensorName,
    policies: options.policies ?? [PACKAGED_POLICIES],
    maskKey: options.maskKey,
    ports: options.port ?? new Map(),
    flowsMax: options.flows,
    sessionMemoryMax: options.sessionMemory,
    overlap: options.overlap ?? [],
    evidence: evidenceOptions(options),
    store: options.store,
    storeOptions: storeOptionsOf(options),
    jsonl: options.jsonl,
  };
}
