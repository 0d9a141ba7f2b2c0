/** Notes that auditors left on the record; each is added and stays as it was typed. */
import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { Note } from '#src/console/api/notes.js';
import { send } from '../../base/api.ts';
import { formatMoment } from '../../base/format.ts';
import { useKeys } from '../../base/keys.ts';
import { zone } from '../../base/scope.ts';
import { may } from '../../base/session.ts';
import { segment } from '../../base/url.ts';
import { useSending } from '../../ui/form.tsx';
import { ProblemNote } from '../../ui/states.tsx';

/** As in `src/console/api/notes.ts`. */
const NOTE_CHARS_MAX = 2000;

export function Notes(props: { readonly id: string; readonly notes: readonly Note[] }): JSX.Element | null {
  const [added, setAdded] = useState<readonly Note[]>([]);
  const notes = [...props.notes, ...added];
  if (!may('auditor')) return null;
  return (
    <section class="stack tight">
      <h3>Notes</h3>
      {notes.length > 0 && (
        <ol class="notes">
          {notes.map((note) => (
            <li key={`${note.time} ${note.who}`}>
              <NoteText note={note} />
            </li>
          ))}
        </ol>
      )}
      <NoteForm id={props.id} onAdded={(note) => setAdded([...added, note])} />
    </section>
  );
}

export function NoteText({ note }: { readonly note: Note }): JSX.Element {
  return (
    <>
      {note.text}{' '}
      <span class="small muted">
        {note.who}, {formatMoment(Date.parse(note.time), zone(), 'minute')}
      </span>
    </>
  );
}

function NoteForm(props: { readonly id: string; readonly onAdded: (note: Note) => void }): JSX.Element {
  const [text, setText] = useState('');
  const field = useRef<HTMLTextAreaElement>(null);
  const sending = useSending();
  useKeys([{ keys: 'n', label: 'Leave a note', run: () => field.current?.focus() }], []);
  const add = async (): Promise<void> => {
    await sending.run(async () => {
      props.onAdded(await send<Note>('POST', `/records/${segment(props.id)}/notes`, { text: text.trim() }));
      setText('');
    });
  };
  return (
    <form
      class="stack tight no-print"
      onSubmit={(event) => {
        event.preventDefault();
        void add();
      }}
    >
      <textarea
        ref={field}
        class="input note-field"
        aria-label="Note"
        value={text}
        maxLength={NOTE_CHARS_MAX}
        placeholder="What others should know of this statement; it stays as you write it (n)"
        onInput={(event) => setText(event.currentTarget.value)}
      />
      {sending.problem !== undefined && <ProblemNote problem={sending.problem} />}
      {text.trim() !== '' && (
        <div class="line">
          <button type="submit" class="button" disabled={sending.busy}>
            Leave the note
          </button>
        </div>
      )}
    </form>
  );
}
