/**
 * The words the analysis knows, as data: one table for all dialects. A reserved word is never taken for a table, a
 * column or an alias unless it is quoted or stands after a dot; a soft word is known to the walk but may be a name.
 */

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

/** One step of the word hash the lexer computes as it reads; start at 0. */
export function hashStep(hash: number, foldedCode: number): number {
  return (Math.imul(hash, 31) + foldedCode) | 0;
}

const SLOT_COUNT = 4096;

/** Open addressing: keyword id by hash, 0 for a free slot; and the hash of each id. */
const slots: Uint16Array = new Uint16Array(SLOT_COUNT);
const hashes: Int32Array = new Int32Array(KEYWORDS.length);
for (let id = 1; id < KEYWORDS.length; id++) {
  const word = (KEYWORDS[id] as string).toLowerCase();
  let hash = 0;
  for (let i = 0; i < word.length; i++) hash = hashStep(hash, word.charCodeAt(i));
  hashes[id] = hash;
  let slot = slotOf(hash);
  while (slots[slot] !== 0) slot = (slot + 1) & (SLOT_COUNT - 1);
  slots[slot] = id;
}

function slotOf(hash: number): number {
  return (hash ^ (hash >>> 13)) & (SLOT_COUNT - 1);
}

/** Id of the keyword in `bytes[start, end)` (`Codes`) whose `hashStep` hash is `hash`, or 0. */
export function keywordId(bytes: Uint8Array, start: number, end: number, hash: number): number {
  let slot = slotOf(hash);
  for (let id = slots[slot] as number; id !== 0; id = slots[slot] as number) {
    if (hashes[id] === hash && isKeyword(bytes, start, end - start, KEYWORDS[id] as string)) return id;
    slot = (slot + 1) & (SLOT_COUNT - 1);
  }
  return 0;
}

/** Whether the characters are `word` regardless of the case of ASCII letters: equal hashes alone prove nothing. */
function isKeyword(bytes: Uint8Array, start: number, length: number, word: string): boolean {
  if (word.length !== length) return false;
  for (let i = 0; i < length; i++) {
    const difference = (bytes[start + i] as number) ^ word.charCodeAt(i);
    // Keywords are letters and `_`; only a letter may differ, and only in its case bit.
    if (difference !== 0 && (difference !== 0x20 || word.charCodeAt(i) === 0x5f)) return false;
  }
  return true;
}
