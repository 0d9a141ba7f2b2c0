/** Serves the built browser application: files by name, its one page for every other address. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import { API_PREFIX } from './api/common.ts';
import type { ConsoleApp } from './context.ts';

const PAGE = 'index.html';
const NOT_BUILT = 'The browser application is not built: run "npm run build:web". The API is under /api/v1.\n';

export async function serveWeb(app: ConsoleApp, folder: string): Promise<void> {
  const isBuilt = existsSync(join(folder, PAGE));
  if (isBuilt)
    await app.register(fastifyStatic, {
      root: folder,
      wildcard: false,
      // Names of files in `assets` carry a hash of their content.
      setHeaders: (reply, path) => {
        const isHashed = path.includes('/assets/');
        void reply.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    });
  app.setNotFoundHandler((request, reply) => {
    const isPage =
      request.method === 'GET' && !request.url.startsWith('/api/') && !/\.\w+$/.test(request.url.split('?')[0] ?? '');
    if (request.url.startsWith(API_PREFIX) || !isPage)
      return reply.code(404).send({ code: 'not-found', message: 'there is nothing at this address' });
    if (!isBuilt) return reply.code(503).type('text/plain').send(NOT_BUILT);
    return reply.sendFile(PAGE);
  });
}
