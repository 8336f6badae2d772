import type { RequestInfo } from './request-info.ts';

const staysOpen = new Set(['attach', 'exec', 'portforward', 'proxy', 'log']);

/** Whether a request may take as long as it likes: a watch, what streams, and profiles. */
export const isLongRunning = (info: RequestInfo): boolean =>
  info.isResource
    ? info.verb === 'watch' || staysOpen.has(info.subresource ?? '')
    : info.path.startsWith('/debug/pprof/');
