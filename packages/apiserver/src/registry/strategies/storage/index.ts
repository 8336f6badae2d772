import type { NamedStrategy } from '../../strategy.ts';
import { csiStrategies } from './csi.ts';
import { storageClassStrategies } from './storage-class.ts';
import { volumeAttachment } from './volume-attachment.ts';

export const storageStrategies: readonly NamedStrategy[] = [
  ...storageClassStrategies,
  ...csiStrategies,
  volumeAttachment,
];
