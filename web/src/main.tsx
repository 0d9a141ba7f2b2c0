/** Entry of the browser application. */
import { render } from 'preact';
import { App } from './app.tsx';
import { startKeys } from './base/keys.ts';
import { loadSession } from './base/session.ts';
import { startTheme } from './base/theme.ts';
import { startRouting } from './base/url.ts';
import { startVisible } from './base/visible.ts';

startVisible();
startTheme();
startRouting();
startKeys();
void loadSession();
// The landing page's code comes while the server is asked who this is.
if (location.pathname === '/') void import('./pages/overview.tsx');

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
