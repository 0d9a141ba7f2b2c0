/** Notes on records, by record and by session, in the order in which they were written. */
import type { Note } from './api/notes.ts';
import { ConsoleError } from './error.ts';
import { isoOf, type StateDb } from './state.ts';

interface NoteRow {
  readonly record: string;
  readonly who: string;
  readonly time_ms: number;
  readonly text: string;
}

const NOTES_MAX = 1_000_000;
/** Of one record or session. */
const SHOWN_MAX = 500;

export class Notes {
  private readonly db: StateDb;

  constructor(db: StateDb) {
    this.db = db;
  }

  ofRecord(id: string): Note[] {
    return this.where('record', id);
  }

  ofSession(session: string): Note[] {
    return this.where('session', session);
  }

  /** Throws `refused` when there are too many. */
  add(who: string, record: string, session: string | undefined, text: string): Note {
    const count = this.db.prepare<[], number>('SELECT count(*) FROM note').pluck().get() ?? 0;
    if (count >= NOTES_MAX) throw new ConsoleError('refused', `there are ${NOTES_MAX} notes already`);
    const note = { record, who, time_ms: Date.now(), text };
    this.db
      .prepare('INSERT INTO note (record, session, who, time_ms, text) VALUES (?, ?, ?, ?, ?)')
      .run(record, session ?? null, who, note.time_ms, text);
    return viewOf(note);
  }

  private where(column: 'record' | 'session', value: string): Note[] {
    const sql = `SELECT record, who, time_ms, text FROM note WHERE ${column} = ? ORDER BY seq LIMIT ?`;
    return this.db.prepare<[string, number], NoteRow>(sql).all(value, SHOWN_MAX).map(viewOf);
  }
}

function viewOf({ record, who, time_ms, text }: NoteRow): Note {
  return { record, who, time: isoOf(time_ms), text };
}
