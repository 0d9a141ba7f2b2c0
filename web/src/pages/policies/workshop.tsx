/** Edit a policy's files, see what is wrong as you type, keep a draft, try it over history, push it to the sensor. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Draft, PolicyValidated, PolicyView, SourceFile } from '#src/console/api/policies.js';
import { send } from '../../base/api.ts';
import { plural } from '../../base/format.ts';
import { may, session } from '../../base/session.ts';
import { segment } from '../../base/url.ts';
import { ActionForm } from '../../ui/action-form.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/form.tsx';
import { Skeleton } from '../../ui/states.tsx';
import type { Editor as EditorComponent } from './editor.tsx';
import { TryOut } from './try-out.tsx';

const PAUSE_MS = 500;

export function Workshop(props: {
  readonly view: PolicyView;
  readonly version: string | undefined;
  readonly onSaved: () => void;
}): JSX.Element {
  const [sources, setSources] = useState<readonly SourceFile[]>(props.view.sources);
  const [file, setFile] = useState(0);
  const [asking, setAsking] = useState<'save' | 'push' | undefined>(undefined);
  const checked = useValidation(sources);
  const current = sources[file];
  const change = (text: string): void =>
    setSources(sources.map((source, index) => (index === file ? { ...source, text } : source)));
  const obstacle = pushObstacle(props.view, sources);
  const problems = (checked?.problems ?? []).filter((problem) => problem.file === current?.name);
  return (
    <div class="stack">
      <div class="split">
        <ValidationState checked={checked} />
        {may('administrator') && (
          <span class="line">
            <button type="button" class="button" onClick={() => setAsking('save')}>
              Keep as draft
            </button>
            <button
              type="button"
              class="button main"
              disabled={checked === undefined || checked.problems.length > 0 || obstacle !== undefined}
              title={obstacle}
              onClick={() => setAsking('push')}
            >
              Push to the sensor
            </button>
          </span>
        )}
      </div>
      {may('administrator') && obstacle !== undefined && <p class="small muted">{obstacle}</p>}
      <FileTabs sources={sources} chosen={file} onChoose={setFile} />
      {current !== undefined && (
        <LazyEditor
          key={current.name}
          name={current.name}
          text={current.text}
          problems={problems}
          readOnly={!may('auditor')}
          onText={change}
        />
      )}
      <Problems checked={checked} />
      {may('auditor') && checked !== undefined && checked.problems.length === 0 && <TryOut sources={sources} />}
      {asking === 'save' && (
        <SaveDialog
          view={props.view}
          version={props.version}
          sources={sources}
          onClose={() => setAsking(undefined)}
          onSaved={props.onSaved}
        />
      )}
      {asking === 'push' && (
        <PushDialog sources={sources} onClose={() => setAsking(undefined)} onPushed={props.onSaved} />
      )}
    </div>
  );
}

/** Why the sources cannot be pushed from here by this person; `undefined` when they can. */
function pushObstacle(view: PolicyView, sources: readonly SourceFile[]): string | undefined {
  if (session.value?.sensor !== true) return 'No sensor can be reached from this console.';
  if (!session.value.twoToPush) return undefined;
  const { draft } = view;
  if (draft === undefined || sources !== view.sources)
    return 'Two people push a policy here: keep it as a draft, and another administrator pushes it.';
  return draft.by === session.value.person?.name
    ? 'Two people push a policy here: this draft is yours, so another administrator pushes it.'
    : undefined;
}

function FileTabs(props: {
  readonly sources: readonly SourceFile[];
  readonly chosen: number;
  readonly onChoose: (index: number) => void;
}): JSX.Element {
  return (
    <fieldset class="segments">
      <legend class="away">Files</legend>
      {props.sources.map((source, index) => (
        <button
          key={source.name}
          type="button"
          aria-pressed={index === props.chosen}
          onClick={() => props.onChoose(index)}
        >
          {source.name}
        </button>
      ))}
    </fieldset>
  );
}

function useValidation(sources: readonly SourceFile[]): PolicyValidated | undefined {
  const [checked, setChecked] = useState<PolicyValidated | undefined>(undefined);
  useEffect(() => {
    if (!may('auditor')) return;
    let stale = false;
    const timer = setTimeout(() => {
      send<PolicyValidated>('POST', '/policies/validate', { sources }).then(
        (answer) => {
          if (!stale) setChecked(answer);
        },
        () => {
          if (!stale) setChecked(undefined);
        },
      );
    }, PAUSE_MS);
    return () => {
      stale = true;
      clearTimeout(timer);
    };
  }, [sources]);
  return checked;
}

function ValidationState({ checked }: { readonly checked: PolicyValidated | undefined }): JSX.Element {
  if (checked === undefined) return <span class="muted small">not checked yet</span>;
  if (checked.problems.length > 0) return <span class="bad strong">{plural(checked.problems.length, 'fault')}</span>;
  return (
    <span class="muted small" role="status">
      {plural(checked.rules.length, 'rule')}, {plural(checked.tests.passed, 'test')} passed
      {checked.tests.failed.length > 0 && <b class="bad">, {checked.tests.failed.length} failed</b>}
    </span>
  );
}

function Problems({ checked }: { readonly checked: PolicyValidated | undefined }): JSX.Element | null {
  if (checked === undefined || checked.problems.length + checked.tests.failed.length === 0) return null;
  return (
    <div class="note bad-note" role="alert">
      <ul class="plain-list">
        {checked.problems.map((problem) => (
          <li key={`${problem.file} ${problem.line} ${problem.reason}`}>
            <code>
              {problem.file}:{problem.line}:{problem.column}
            </code>{' '}
            {problem.reason}
          </li>
        ))}
        {checked.tests.failed.map((test) => (
          <li key={`${test.file} ${test.line} ${test.subject}`}>
            <code>
              {test.file}:{test.line}
            </code>{' '}
            the rule’s own test failed: {test.rule}, {test.expected}: <code>{test.subject}</code>
          </li>
        ))}
      </ul>
    </div>
  );
}

type EditorProps = Parameters<typeof EditorComponent>[0];

/** The editor is the one large part of the application, so it comes only when it is needed. */
function LazyEditor(props: EditorProps): JSX.Element {
  const [Editor, setEditor] = useState<{ readonly component: typeof EditorComponent } | undefined>(undefined);
  useEffect(() => {
    import('./editor.tsx').then(
      (module) => setEditor({ component: module.Editor }),
      () => setEditor(undefined),
    );
  }, []);
  return Editor === undefined ? <Skeleton lines={14} /> : <Editor.component {...props} />;
}

function SaveDialog(props: {
  readonly view: PolicyView;
  readonly version: string | undefined;
  readonly sources: readonly SourceFile[];
  readonly onClose: () => void;
  readonly onSaved: () => void;
}): JSX.Element {
  const [name, setName] = useState(props.view.draft?.name ?? '');
  const [note, setNote] = useState(props.view.draft?.note ?? '');
  const save = (): Promise<Draft> => {
    const previous = props.view.draft?.name === name ? props.view.draft.savedAt : undefined;
    const base = props.view.draft?.base ?? props.version;
    return send<Draft>('PUT', `/policies/drafts/${segment(name)}`, {
      sources: props.sources,
      note,
      ...(base === undefined ? {} : { base }),
      ...(previous === undefined ? {} : { previous }),
    });
  };
  const done = (): void => {
    props.onSaved();
    props.onClose();
  };
  return (
    <Dialog title="Keep as draft" onClose={props.onClose}>
      <ActionForm action="Keep" send={save} onDone={done} withoutCode>
        <Field text="Name" value={name} onText={setName} required maxLength={60} pattern="[A-Za-z0-9._\-]+" />
        <Field text="What it changes" value={note} onText={setNote} maxLength={2000} />
      </ActionForm>
    </Dialog>
  );
}

function PushDialog(props: {
  readonly sources: readonly SourceFile[];
  readonly onClose: () => void;
  readonly onPushed: () => void;
}): JSX.Element {
  const [reason, setReason] = useState('');
  const done = (): void => {
    props.onPushed();
    props.onClose();
  };
  return (
    <Dialog title="Push to the sensor" onClose={props.onClose}>
      <ActionForm
        action="Push"
        send={(code) => send('POST', '/policies/push', { sources: props.sources, reason, ...code })}
        onDone={done}
        onCancel={props.onClose}
      >
        <p>The sensor judges by these rules from the next packet on. Who pushed what, when and why is written down.</p>
        <Field text="Reason" value={reason} onText={setReason} required minLength={3} maxLength={2000} />
      </ActionForm>
    </Dialog>
  );
}
