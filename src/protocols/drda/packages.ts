/**
 * BGNBND, BNDSQLSTT, ENDBND, REBIND, DRPPKG (DRDA volume 3): programs whose SQL is bound to the database before it is
 * executed, perhaps by another connection. What is bound while the sensor listens gives the later execution its text.
 *
 * Texts are shared by the connections between one client address and one server: other clients' packages are read by
 * other workers, and the records must not depend on how many there are.
 */
import { unlimitedMemory } from '../../base/memory-budget.ts';
import type { ConnectionInfo } from '../../contracts/protocol.ts';
import { type Prepared, type PreparedTable, preparedTable } from './handles.ts';
import type { Session } from './session.ts';

/** Key in `ConnectionInfo.shared`. */
const TABLE = 'drda.staticSql';

function tableOf(connection: ConnectionInfo): PreparedTable {
  let table = connection.shared.get(TABLE) as PreparedTable | undefined;
  if (table === undefined) {
    // Of all connections, and bounded in itself.
    table = preparedTable(unlimitedMemory());
    connection.shared.set(TABLE, table);
  }
  return table;
}

function keyOf({ clientAddress, serverAddress, serverPort }: ConnectionInfo, section: string): string {
  return `${clientAddress}|${serverAddress}|${serverPort}|${section}`;
}

/** A statement was bound to this section. */
export function bindSection(s: Session, section: string, prepared: Prepared): void {
  if (section !== '') tableOf(s.connection).set(keyOf(s.connection, section), prepared);
}

/** What was bound to this section, as far as the sensor saw it. */
export function boundSection(s: Session, section: string): Prepared | undefined {
  return section === '' ? undefined : tableOf(s.connection).get(keyOf(s.connection, section));
}
