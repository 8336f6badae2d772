import { ReconcileObservers } from '../controller/index.ts';
import type { InformerFactory } from '../informer/index.ts';
import { definePlugin, type Lifecycle, Lifecycles } from '../plugin/index.ts';
import type { Recorder } from '../recording/index.ts';
import { SharedInformers } from './informers-plugin.ts';
import type { AnyPlugin } from './select-plugins.ts';

/** Tells a recorder of reconciles and caches, from before the first request until after the last one. */
export function recordingPlugin(recorder: Recorder): AnyPlugin {
  const register: AnyPlugin['register'] = ({ provide }) => {
    provide.factory(ReconcileObservers, () => recorder.observer, []);
    provide.factory(
      Lifecycles,
      (informers: InformerFactory): Lifecycle => ({
        name: 'recording',
        phase: 'bootstrap',
        start: () => recorder.start(() => informers.list()),
        stop: (signal) => recorder.stop(signal),
      }),
      [SharedInformers],
    );
  };
  return definePlugin({ name: 'recording', register });
}
