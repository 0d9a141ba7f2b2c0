/** Notes on records. */
import { principalOf } from '../access/access.ts';
import { IdParams } from '../api/common.ts';
import { Note, NoteAdd } from '../api/notes.ts';
import { type ConsoleApp, type Context, record, sightFor } from '../context.ts';
import { Notes } from '../notes.ts';

export function noteRoutes(app: ConsoleApp, context: Context): void {
  const notes = new Notes(context.db);
  app.post(
    '/records/:id/notes',
    {
      config: { role: 'auditor', right: 'leave notes on records' },
      schema: { summary: 'Leave a note on a record', params: IdParams, body: NoteAdd, response: { 200: Note } },
    },
    async (request) => {
      const { text } = request.body;
      const { row } = await context.reads.ask('record', { id: request.params.id, sight: sightFor(request) });
      // In the chained trail as well, where nobody can change it unseen.
      await record(context, request, 'note', row.id, text);
      return notes.add(principalOf(request).who, row.id, row.session, text);
    },
  );
}
