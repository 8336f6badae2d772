import { ReconcileObservers } from '../controller/index.ts';
import { definePlugin } from '../plugin/index.ts';
import { type OpenTelemetryApi, ReconcileSpans } from './reconcile-spans.ts';
import type { AnyPlugin } from './select-plugins.ts';

/**
 * Every reconcile as a span, through whatever provider the program has registered with `@opentelemetry/api`.
 * @throws Error when that package is not installed
 */
export async function openTelemetryPlugin(): Promise<AnyPlugin> {
  const api = await loadApi();
  const register: AnyPlugin['register'] = ({ provide }) =>
    provide.factory(ReconcileObservers, () => new ReconcileSpans(api), []);
  return definePlugin({ name: 'open-telemetry', register });
}

async function loadApi(): Promise<OpenTelemetryApi> {
  try {
    return await import('@opentelemetry/api');
  } catch (error) {
    throw new Error('spans of OpenTelemetry need the package @opentelemetry/api: npm install @opentelemetry/api', {
      cause: error,
    });
  }
}
