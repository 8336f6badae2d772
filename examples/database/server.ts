import { randomBytes } from 'node:crypto';
import {
  type ChildObject,
  compareQuantity,
  isStatusError,
  type OperatorContext,
  PersistentVolumeClaim,
  Secret,
  type Service,
  StatefulSet,
  TerminalError,
} from '@keelson/core';
import type { Database } from './database.ts';

export const labelsOf = ({ metadata }: Database) => ({ database: metadata.name });
export const secretOf = ({ metadata }: Database) => `${metadata.name}-password`;
/** As the StatefulSet's controller names it. */
export const claimOf = ({ metadata }: Database) => `data-${metadata.name}-0`;
export const imageOf = ({ spec }: Database) => `mariadb:${spec.version}`;
export const passwordFrom = (database: Database) => ({
  secretKeyRef: { name: secretOf(database), key: 'password' },
});

export function serviceFor(database: Database): ChildObject<Service> {
  return { spec: { clusterIP: 'None', selector: labelsOf(database), ports: [{ name: 'sql', port: 3306 }] } };
}

export async function serverFor(
  database: Database,
  context: OperatorContext<Database>,
): Promise<ChildObject<StatefulSet>> {
  await keepPassword(database, context);
  const { metadata, spec } = database;
  const labels = labelsOf(database);
  const container = {
    name: 'server',
    image: imageOf(database),
    env: [
      { name: 'MARIADB_ROOT_PASSWORD', valueFrom: passwordFrom(database) },
      { name: 'MARIADB_AUTO_UPGRADE', value: '1' },
    ],
    ports: [{ name: 'sql', containerPort: 3306 }],
    readinessProbe: { exec: { command: ['healthcheck.sh', '--connect', '--innodb_initialized'] }, periodSeconds: 2 },
    volumeMounts: [{ name: 'data', mountPath: '/var/lib/mysql' }],
  };
  // The template of claims cannot be changed: what grows is the claim itself.
  const [made] = context.get(StatefulSet)?.spec.volumeClaimTemplates ?? [];
  const storage = made?.spec?.resources?.requests?.['storage'] ?? spec.storage;
  return {
    spec: {
      serviceName: metadata.name,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [container] } },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: spec.deletionPolicy, whenScaled: 'Retain' },
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
        },
      ],
    },
  };
}

/** Created and never changed: whoever does not see it yet is told that it is there. */
async function keepPassword(database: Database, { client, get, signal }: OperatorContext<Database>): Promise<void> {
  const name = secretOf(database);
  if (get(Secret, name)) return;
  if (get(PersistentVolumeClaim, claimOf(database))) {
    throw new TerminalError(`Secret ${name} is gone, and nobody can read the data without it: restore it`);
  }
  const metadata = { name, namespace: database.metadata.namespace, labels: labelsOf(database) };
  const stringData = { password: randomBytes(24).toString('base64url') };
  try {
    await client.create(Secret, { metadata, immutable: true, stringData }, { signal });
  } catch (error) {
    if (!isStatusError(error, 'AlreadyExists')) throw error;
  }
}

/** A volume that cannot grow is told of, and keeps from nothing else. */
export async function growStorage(
  database: Database,
  { client, get, setCondition, signal }: OperatorContext<Database>,
): Promise<void> {
  const claim = get(PersistentVolumeClaim, claimOf(database));
  const has = claim?.spec?.resources?.requests?.['storage'];
  const { storage } = database.spec;
  if (claim?.status?.phase !== 'Bound' || has === undefined) return;
  if (compareQuantity(has, storage) >= 0) return setCondition('Resized', true, 'AsWanted', has);
  const merge = { spec: { resources: { requests: { storage } } } };
  try {
    await client.patch(PersistentVolumeClaim, claim.metadata, { merge }, { signal });
  } catch (error) {
    if (!isStatusError(error, 'Forbidden', 'Invalid')) throw error;
    setCondition('Resized', false, 'Refused', error.message);
  }
}
