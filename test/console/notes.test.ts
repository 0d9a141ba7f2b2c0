/** Notes on records: by whom they are read and written, that they stay, and that files of before get a place for them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Note } from '#src/console/api/notes.js';
import type { Records, RecordView, SessionView } from '#src/console/api/records.js';
import type { Trail } from '#src/console/api/trail.js';
import { someRecords, type TestConsole, withConsole } from './console.js';

async function notesOf(console: TestConsole, role: 'viewer' | 'auditor', id: string): Promise<readonly Note[]> {
  return ((await console.get(role, `/records/${id}`)).json() as RecordView).notes;
}

test('auditors leave notes on records, which stay and are in the trail; viewers do not see them', () =>
  withConsole(someRecords(3), async (console) => {
    const { rows } = (await console.get('auditor', '/records?limit=1')).json() as Records;
    const [{ id, session } = { id: '', session: '' }] = rows;
    const text = 'asked <b>alice</b>: a migration';
    assert.equal((await console.post('viewer', `/records/${id}/notes`, { text })).statusCode, 403);
    assert.equal((await console.post('auditor', `/records/${id}/notes`, { text: '' })).statusCode, 400);
    assert.equal((await console.post('auditor', '/records/0000/notes', { text })).statusCode, 404);
    const added = await console.post('auditor', `/records/${id}/notes`, { text });
    assert.equal(added.statusCode, 200, added.body);
    await console.post('administrator', `/records/${id}/notes`, { text: 'agreed' });
    const notes = await notesOf(console, 'auditor', id);
    assert.deepEqual(
      notes.map((note) => [note.record, note.who, note.text]),
      [
        [id, 'auditor', text],
        [id, 'administrator', 'agreed'],
      ],
    );
    assert.deepEqual(await notesOf(console, 'viewer', id), []);
    const view = (await console.get('auditor', `/sessions/${session}`)).json() as SessionView;
    assert.deepEqual(view.notes, notes);
    const trail = (await console.get('auditor', '/trail?q=action:note')).json() as Trail;
    assert.deepEqual(
      trail.entries.map(({ subject, detail }) => [subject, detail]),
      [
        [id, 'agreed'],
        [id, text],
      ],
    );
  }));
