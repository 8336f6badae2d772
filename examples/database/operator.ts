import {
  defineOperator,
  getCondition,
  isStatusError,
  Job,
  PersistentVolumeClaim,
  Secret,
  Service,
  StatefulSet,
} from '@keelson/core';
import { backUp } from './backups.ts';
import { Database } from './database.ts';
import { claimOf, growStorage, secretOf, serverFor, serviceFor } from './server.ts';

export { Database };

export default defineOperator({
  name: 'database',
  for: Database,
  everyMs: 600_000,
  owns: [Job],
  references: [
    { type: Secret, by: (database) => [secretOf(database)] },
    { type: PersistentVolumeClaim, by: (database) => [claimOf(database)] },
  ],
  uses: [
    { type: Secret, verbs: ['create', 'delete'] },
    { type: PersistentVolumeClaim, verbs: ['patch'] },
  ],
  dependents: ({ child }) => ({
    service: child(Service, { make: serviceFor }),
    server: child(StatefulSet, { after: ['service'], make: serverFor }),
  }),

  async reconcile(database, context) {
    await growStorage(database, context);
    if (context.waiting.length > 0) return;
    if (!database.spec.backup) return context.setCondition('BackedUp', false, 'NotWanted');
    const { requeueAfter } = await backUp(database, 'Schedule', context);
    if (requeueAfter !== undefined) return { requeueAfter };
  },

  async finalize(database, context) {
    const { client, setCondition, signal } = context;
    // Before it was ever ready there was nothing in it.
    if (database.spec.backup && getCondition(database.status?.conditions, 'BackedUp')) {
      const { done, requeueAfter = 60_000 } = await backUp(database, 'Deletion', context);
      setCondition('Ready', false, 'Deleting', 'waits for the last backup; without spec.backup it goes at once');
      if (!done) return { requeueAfter };
    }
    if (database.spec.deletionPolicy === 'Retain') return;
    const { namespace } = database.metadata;
    try {
      await client.delete(Secret, { name: secretOf(database), ...(namespace && { namespace }) }, { signal });
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
  },
});
