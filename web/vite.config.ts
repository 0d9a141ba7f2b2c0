/**
 * Builds the console's browser application into `dist/console/web`, which the console serves as it stands.
 *
 * No inline script or style anywhere (the content security policy forbids both), and a size budget that fails the build.
 */
import preact from '@preact/preset-vite';
import type { UserConfig } from 'vite';
import { sizeBudget } from './size-budget.ts';

const config: UserConfig = {
  root: import.meta.dirname,
  base: '/',
  plugins: [preact({ devToolsEnabled: false, prefreshEnabled: false }), sizeBudget()],
  build: {
    outDir: '../dist/console/web',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
};

export default config;
