import { ReconcileObservers } from '../controller/index.ts';
import { DevelopmentWarnings } from '../development/index.ts';
import { CacheReads } from '../informer/index.ts';
import type { Clock as ClockContract } from '../machinery/index.ts';
import { Clock, definePlugin, Logger, token } from '../plugin/index.ts';
import { InDevelopment } from './controller-manager-plugin.ts';

/** What was found to be warned of. */
export const Warnings = token<DevelopmentWarnings>('DevelopmentWarnings');

/** Lines of code in traces, and warnings of what works and costs too much; for development, since it takes time. */
export const developmentPlugin = definePlugin({
  name: 'development',
  register({ provide }) {
    provide.value(InDevelopment, true);
    provide.factory(Warnings, (clock: ClockContract, logger: Logger) => new DevelopmentWarnings({ clock, logger }), [
      Clock,
      Logger,
    ]);
    provide.factory(ReconcileObservers, (warnings: DevelopmentWarnings) => warnings, [Warnings]);
    provide.factory(CacheReads, (warnings: DevelopmentWarnings) => warnings, [Warnings]);
  },
});
