/**
 * Records that nobody keeps are used again: where they are only judged and counted, one object serves all of a packet's
 * statements one after another, instead of 400 bytes of garbage for each.
 */
import { AuditRecord } from '../contracts/record.ts';

/** Records in reserve: more wait for their judgement only when one packet completes many statements. */
const POOL_MAX = 16;

export class RecordPool {
  private readonly spare: AuditRecord[] = [];
  private readonly max: number;

  /** `reuses` false: every record is a new one. */
  constructor(reuses: boolean) {
    this.max = reuses ? POOL_MAX : 0;
  }

  take(): AuditRecord {
    return this.spare.pop() ?? new AuditRecord();
  }

  /** The caller is done with it. */
  giveBack(record: AuditRecord): void {
    if (this.spare.length >= this.max) return;
    clear(record);
    this.spare.push(record);
  }
}

/** As a new one. Stores one after another: the class's own initialisers, which a loop over names would be far from. */
function clear(record: AuditRecord): void {
  record.id = '';
  record.kind = 'statement';
  record.timeUs = 0;
  record.durationUs = undefined;
  record.firstByteUs = undefined;
  record.user = undefined;
  record.effectiveUser = undefined;
  record.osUser = undefined;
  record.clientHost = undefined;
  record.program = undefined;
  record.endUser = undefined;
  record.clientAddress = undefined;
  record.clientPort = undefined;
  record.serverAddress = undefined;
  record.serverPort = undefined;
  record.session = undefined;
  record.communityId = undefined;
  record.vlanId = undefined;
  record.tunnel = undefined;
  record.sensor = undefined;
  record.text = undefined;
  record.textLength = undefined;
  record.textSha256 = undefined;
  record.parameters = undefined;
  record.operation = undefined;
  record.operations = undefined;
  record.objects = undefined;
  record.procedure = undefined;
  record.namespace = undefined;
  record.summary = undefined;
  record.fingerprint = undefined;
  record.system = undefined;
  record.call = undefined;
  record.errorCode = undefined;
  record.errorText = undefined;
  record.returnedRows = undefined;
  record.affectedRows = undefined;
  record.responseBytes = undefined;
  record.bulkBytes = undefined;
  record.transaction = undefined;
  record.tls = undefined;
  record.authMethod = undefined;
  record.reason = undefined;
  record.marks = 0;
  record.lostBytes = undefined;
  record.policy = undefined;
  record.policyVersion = undefined;
}
