/** For the tests by example: each looks at what the analysis says of one statement. */
import assert from 'node:assert/strict';
import type { SqlDialect, SqlStatement } from '../contracts/sql.ts';
import { createAnalyzer } from './analyzer.ts';

const analyzer = createAnalyzer();

/** The only statement of the text. */
export function only(dialect: SqlDialect, text: string): SqlStatement {
  const statements = analyzer.analyze(text, dialect);
  assert.equal(statements.length, 1, text);
  return statements[0] as SqlStatement;
}

export function slices(text: string, spans: SqlStatement['secrets']): string[] {
  return spans.map((span) => text.slice(span.start, span.end));
}

/** dialect, text, operations, objects read only, objects written. */
export type ObjectCase = readonly [SqlDialect, string, string, string, string];

export function checkObjects(cases: readonly ObjectCase[]): void {
  for (const [dialect, text, operations, read, written] of cases) {
    // Three times: the third time the shape is known.
    for (let round = 0; round < 3; round++) {
      const found = only(dialect, text);
      assert.equal(found.operations.join(' | '), operations, text);
      assert.equal(found.operation, operations.split(' | ')[0], text);
      assert.deepEqual(found.objects.filter((name) => !found.objectsWritten.includes(name)).join(' '), read, text);
      assert.deepEqual(found.objectsWritten.join(' '), written, text);
    }
  }
}
