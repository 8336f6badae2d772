import { ConfigMap, defineOperator, defineResource, isStatusError } from '@keelson/core';
import { z } from 'zod';

/** Something that takes as long as the test wants: it is done when there is a ConfigMap `<name>.go`. */
export const Task = defineResource({
  group: 'tests.keelson.dev',
  version: 'v1',
  kind: 'Task',
  spec: z.object({}),
  status: z.object({ doneBy: z.string() }),
});

const who = process.env['WHO'] ?? 'nobody';

export default defineOperator({
  name: 'task',
  for: Task,
  uses: [{ type: ConfigMap, verbs: ['get', 'create'] }],
  async reconcile({ metadata, status }, { client, clock, signal, setStatus }) {
    if (status?.doneBy !== undefined) return;
    const { name, namespace = 'default' } = metadata;
    await client.create(ConfigMap, { metadata: { name: `${name}.begun-by-${who}`, namespace } });
    for (;;) {
      try {
        await client.get(ConfigMap, { name: `${name}.go`, namespace }, { signal });
        break;
      } catch (error) {
        if (!isStatusError(error, 'NotFound')) throw error;
      }
      await clock.sleep(20, signal);
    }
    await client.create(ConfigMap, { metadata: { name: `${name}.done-by-${who}`, namespace } });
    setStatus({ doneBy: who });
  },
});
