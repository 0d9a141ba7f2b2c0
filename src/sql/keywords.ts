/**
 * The words the analysis knows, as data: one table for all dialects. A reserved word is never taken for a table, a
 * column or an alias unless it is quoted or stands after a dot; a soft word is known to the walk but may be a name.
 */
import { foldedFour } from './codes.ts';

const RESERVED = `
ALL AND ANY APPLY AS ASC BETWEEN BY CASE CHECK CONNECT CONSTRAINT CREATE CROSS CURRENT_DATE CURRENT_TIME
CURRENT_TIMESTAMP CURRENT_USER DELETE DESC DISTINCT DISTINCTROW DROP ELSE END EXCEPT EXISTS FALSE FETCH FOR FORCE
FOREIGN FROM FULL GRANT GROUP HAVING IGNORE ILIKE IN INNER INSERT INTERSECT INTO IS ISNULL JOIN LATERAL LEFT LIKE LIMIT
MATCHED MINUS NATURAL NOT NOTNULL NULL NULLS OFFSET ON OPTION OR ORDER OUTER OUTPUT OVER PARTITION PIVOT
PRIMARY QUALIFY REFERENCES REGEXP RETURNING REVOKE RIGHT RLIKE ROWNUM SELECT SESSION_USER SET SIMILAR SOME
STRAIGHT_JOIN SYSDATE SYSTIMESTAMP TABLE TABLESAMPLE THEN TO TRUE UNION UNIQUE UNPIVOT UPDATE USING VALUES WHEN WHERE
WINDOW WITH WITHIN ALTER MERGE DIV MOD XOR BINARY COLLATE ESCAPE SOUNDS
`;

const SOFT = `
ABORT ADD AFTER AGGREGATE ALGORITHM ANALYSE ANALYZE APPLICATION ASSEMBLY ATOMIC AUDIT AUTHORIZATION BACKUP BEFORE
BEGIN BERNOULLI BINLOG BITMAP BODY BUFFERPOOL BULK CACHE CALL CAST CATALOG CATCH CHANGE CHARACTER CHARSET CHECKPOINT
CHECKSUM CLONE CLOSE CLUSTER CLUSTERED COLLATION COLUMN COLUMNS COLUMNSTORE COMMENT COMMIT COMPOUND COMPUTE
CONCURRENTLY CONFLICT CONNECTION CONTEXT CONTINUE CONVERSATION CONVERSION COPY CREDENTIAL CUBE CURRENT CURSOR DATA
DATABASE DATABASES DBCC DEALLOCATE DECLARE DEFAULT DEFINER DELAYED DENY DESCRIBE DIALOG DIRECTORY DISABLE DISCARD
DISTRIBUTED DO DOMAIN DUMPFILE DUPLICATE EDITIONABLE EDITIONING ENABLE ENCRYPTED ENCRYPTION ENGINE EVENT EXEC EXECUTE
EXPLAIN EXTENDED EXTENSION EXTERNAL FAMILY FIELDS FINAL FIRST FLASHBACK FLUSH FOLLOWING FREEZE FULLTEXT FUNCTION GET
GLOBAL GOTO HANDLER HELP HIGH_PRIORITY IDENTIFIED IF IMMEDIATE IMPORT INDEX INDEXES INFILE INHERITS INSTALL INSTANCE
INTERVAL ISOLATION ITERATE KEY KEYS KILL LANGUAGE LAST LEAVE LINK LISTEN LOAD LOCAL LOCK LOGIN LOOP LOW_PRIORITY
MASTER MASTER_PASSWORD MATERIALIZED MODEL MODULE MOVE NATIONAL NEXT NO NOAUDIT NOCHECK NOFORCE NOLOCK NONCLUSTERED
NONEDITIONABLE NOTIFY NOWAIT OBJECT OF OFFLINE OLD_PASSWORD ONLINE ONLY OPEN OPERATOR OPTIMIZE OPTIONS OTHERS OUTFILE
OUTLINE OVERLAPS OWNED PACKAGE PASSWORD PLUGIN POLICY POOL PRECEDING PREPARE PRINT PRIOR PRIVILEGES PROC PROCEDURAL
PROCEDURE PROFILE PUBLIC PUBLICATION PURGE QUEUE QUICK RAISE RAISERROR RANGE READ READTEXT REASSIGN RECONFIGURE
RECURSIVE REFRESH REINDEX RELEASE RENAME REPAIR REPEAT REPLACE REPLICA REPLICATION RESET RESOURCE RESTART RESTORE
RETURN RETURNS REVERT ROLE ROLLBACK ROLLUP ROW ROWS RULE SAMPLE SAVE SAVEPOINT SCHEMA SCROLL SEARCH SECURITY SEPARATOR
SEQUENCE SERVER SESSION SETS SHARE SHOW SHUTDOWN SIBLINGS SIGNAL SLAVE SNAPSHOT SPATIAL SQL START STATISTICS STATS
STOP SUBSCRIPTION SWITCH SYNONYM SYSTEM SYSTEM_TIME TABLES TABLESPACE TEMP TEMPORARY THROW TIES TOP TRAN TRANSACTION
TRANSFORM TRIGGER TRUNCATE TRUSTED TRY TYPE UNAUDIT UNDO UNINSTALL UNLISTEN UNLOCK UNLOGGED UPDATETEXT USE USER VACUUM
VALUE VARIABLES VERSIONS VIEW VIRTUAL WAITFOR WARNINGS WHILE WORK WRAPPER WRITETEXT XA XML ZONE PRECISION VERBOSE
`;

/** Keyword by id, upper case; id 0 is "no keyword". */
export const KEYWORDS: readonly string[] = internalized(['', ...split(RESERVED), ...split(SOFT)]);

/** Ids below this (and above 0) are reserved. */
export const RESERVED_END: number = 1 + split(RESERVED).length;

/** The same strings as names of properties are: the engine compares those by identity, which the walks do all the time. */
function internalized(words: readonly string[]): readonly string[] {
  return Object.keys(Object.fromEntries(words.map((word) => [word, true])));
}

function split(list: string): readonly string[] {
  return list.trim().split(/\s+/);
}

/** By keyword id: 1 for the words of the list. Throws for one that is no keyword. */
export function flagsOf(list: string): Uint8Array {
  const flags = new Uint8Array(KEYWORDS.length);
  for (const word of split(list)) {
    const id = KEYWORDS.indexOf(word);
    if (id < 0) throw new Error(`${word} is not among the keywords`);
    flags[id] = 1;
  }
  return flags;
}

const lengths: Uint8Array = Uint8Array.from(KEYWORDS, (word) => word.length);
/** Where the letters of a keyword begin in `capitals` and `folded`, by its id. */
const starts: Uint16Array = new Uint16Array(KEYWORDS.length);
/** Letters of all keywords in words of four bytes, the last of each filled up with zeros; and as `foldedFour` has them. */
const [capitals, folded] = lettersOf();

function lettersOf(): readonly [Int32Array, Int32Array] {
  const letters: number[] = [];
  const same: number[] = [];
  for (let id = 0; id < KEYWORDS.length; id++) {
    starts[id] = letters.length;
    const length = lengths[id] as number;
    const data = new DataView(Uint8Array.from(`${KEYWORDS[id]}\0\0\0`, (letter) => letter.charCodeAt(0)).buffer);
    for (let at = 0; at < length; at += 4) {
      letters.push(data.getInt32(at, true));
      same.push(foldedFour(data, at, length));
    }
  }
  return [Int32Array.from(letters), Int32Array.from(same)];
}

const SLOT_COUNT = 4096;
/** Keyword ids by hash, with open addressing; 0 is a free slot. */
const slots: Uint16Array = new Uint16Array(SLOT_COUNT);
const hashes: Int32Array = new Int32Array(KEYWORDS.length);
for (let id = 1; id < KEYWORDS.length; id++) {
  let hash = 0;
  const end = (starts[id] as number) + (((lengths[id] as number) + 3) >> 2);
  for (let at = starts[id] as number; at < end; at++) hash = hashStep(hash, folded[at] as number);
  hashes[id] = hash;
  let slot = slotOf(hash);
  while (slots[slot] !== 0) slot = (slot + 1) & (SLOT_COUNT - 1);
  slots[slot] = id;
}

/** Hash of the word at `[start, end)`, the same in any case. */
export function wordHash(data: DataView, start: number, end: number): number {
  let hash = 0;
  for (let at = start; at < end; at += 4) hash = hashStep(hash, foldedFour(data, at, end));
  return hash;
}

function hashStep(hash: number, four: number): number {
  const mixed = Math.imul(hash ^ four, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

function slotOf(hash: number): number {
  return (hash ^ (hash >>> 13)) & (SLOT_COUNT - 1);
}

/** Id of the keyword that is the word at `[start, end)` with that `wordHash`, or 0. */
export function keywordId(data: DataView, start: number, end: number, hash: number): number {
  let slot = slotOf(hash);
  for (let id = slots[slot] as number; id !== 0; id = slots[slot] as number) {
    if (hashes[id] === hash && isKeyword(data, start, end, id)) return id;
    slot = (slot + 1) & (SLOT_COUNT - 1);
  }
  return 0;
}

/** Equal hashes alone prove nothing. */
function isKeyword(data: DataView, start: number, end: number, id: number): boolean {
  if (end - start !== lengths[id]) return false;
  let letter = starts[id] as number;
  for (let at = start; at < end; at += 4) if (foldedFour(data, at, end) !== folded[letter++]) return false;
  return true;
}

/** Writes the keyword at `at` in capital letters, and up to three zeros behind it. */
export function writeKeyword(id: number, into: DataView, at: number): void {
  const first = starts[id] as number;
  const count = ((lengths[id] as number) + 3) >> 2;
  for (let i = 0; i < count; i++) into.setInt32(at + 4 * i, capitals[first + i] as number, true);
}
