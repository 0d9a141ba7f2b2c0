/**
 * A form in a dialog: its fields, a code where the person has a second factor, what the server refused, the buttons. For
 * what is sent once and written down.
 */
import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { session } from '../base/session.ts';
import { CodeField, useSending } from './form.tsx';
import { ProblemNote } from './states.tsx';

/** The code, if one was asked for: part of the body that is sent. */
export interface Code {
  readonly code?: string;
}

export function ActionForm(props: {
  /** Text of the button that sends. */
  readonly action: string;
  readonly send: (code: Code) => Promise<unknown>;
  /** It went through. */
  readonly onDone: () => void;
  readonly onCancel?: () => void;
  /** Nothing that a second factor protects. */
  readonly withoutCode?: boolean;
  readonly children: ComponentChildren;
}): JSX.Element {
  const [code, setCode] = useState('');
  const sending = useSending();
  const submit = async (): Promise<void> => {
    if (await sending.run(() => props.send(code === '' ? {} : { code }))) props.onDone();
  };
  return (
    <form
      class="stack tight"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {props.children}
      {props.withoutCode !== true && session.value?.person?.totp === true && (
        <CodeField value={code} onText={setCode} />
      )}
      {sending.problem !== undefined && <ProblemNote problem={sending.problem} />}
      <div class="line">
        <button type="submit" class="button main" disabled={sending.busy}>
          {props.action}
        </button>
        {props.onCancel !== undefined && (
          <button type="button" class="button" onClick={props.onCancel}>
            Cancel
          </button>
        )}
      </div>
    </form>
  );
}
