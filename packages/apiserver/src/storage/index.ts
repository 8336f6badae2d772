export {
  type BackupFile,
  type BackupSummary,
  filesBelow,
  readBackup,
  restoreBackup,
  writeAtomically,
  writeBackup,
} from './backup.ts';
export {
  CompactedError,
  EncryptionFailedError,
  type Fence,
  FencedError,
  type FrozenStore,
  FutureRevisionError,
  KeyExistsError,
  type ListOptions,
  type ListResult,
  type ReadOptions,
  type Revision,
  RevisionMismatchError,
  SlowWatcherError,
  type Storage,
  StorageClosedError,
  StorageError,
  type StorageEvent,
  StorageFailedError,
  StorageOpenError,
  StorageUnavailableError,
  type StoredEntry,
  UnreadableEntryError,
  UnsupportedStorageError,
  type WriteOptions,
} from './contract.ts';
export {
  EncryptionAtRest,
  type EncryptionAtRestOptions,
  type EncryptionSource,
} from './encryption/encryption-at-rest.ts';
export { EncryptionConfigError } from './encryption/encryption-config.ts';
export { EtcdStorage, openEtcdStorage } from './etcd/etcd-storage.ts';
export type { EtcdOptions, EtcdTls } from './etcd/options.ts';
export type { HistoryOptions } from './history-policy.ts';
export { LogStorage, type LogStorageOptions, openLogStorage } from './log-storage.ts';
export { MemoryStorage, type MemoryStorageOptions } from './memory-storage.ts';
