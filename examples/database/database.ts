import { defineResource, type ResourceObject, withRules } from '@keelson/core';
import { conditions, quantity } from '@keelson/core/zod';
import { z } from 'zod';

const version = withRules(z.enum(['10.11', '11.4', '11.8']), { rule: 'self >= oldSelf', message: 'must not go back' });

const storage = withRules(
  quantity,
  { rule: 'quantity(self).isGreaterThan(quantity("0"))', message: 'must not be nothing' },
  { rule: 'quantity(self).compareTo(quantity(oldSelf)) >= 0', message: 'must not shrink' },
);

// Minute, hour, day, month, weekday: `*`, `*/5`, `3` or `3,5`.
const fields = ['[0-5]?[0-9]', '([01]?[0-9]|2[0-3])', '([1-9]|[12][0-9]|3[01])', '([1-9]|1[0-2])', '[0-6]']
  .map((value) => String.raw`(\*(/[1-9][0-9]?)?|${value}(,${value})*)`)
  .join(' ');
const schedule = z
  .string()
  .max(100)
  .regex(new RegExp(`^(@(hourly|daily|weekly|monthly|every [1-9][0-9]{0,5}[smh])|${fields})$`));

export const Database = defineResource({
  group: 'examples.keelson.dev',
  version: 'v1',
  kind: 'Database',
  shortNames: ['db'],
  spec: z.object({
    version: version.default('11.8'),
    storage: storage.default('1Gi'),
    backup: z
      .object({
        schedule: schedule.default('@daily'),
        /** A PersistentVolumeClaim, which may be shared by many databases. */
        claim: z.string().min(1).max(253),
        keep: z.int().min(1).max(100).default(7),
      })
      .optional(),
    /** What becomes of the data and the password when the database goes. */
    deletionPolicy: z.enum(['Delete', 'Retain']).default('Retain'),
  }),
  status: z.object({ observedGeneration: z.int(), lastBackupTime: z.iso.datetime(), conditions }),
  printerColumns: [
    { name: 'Version', jsonPath: '.spec.version' },
    { name: 'Storage', jsonPath: '.spec.storage' },
    { name: 'Ready', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Last backup', type: 'date', jsonPath: '.status.lastBackupTime' },
  ],
});
export type Database = ResourceObject<typeof Database>;
