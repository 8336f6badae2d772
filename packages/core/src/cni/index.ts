export {
  type CniConfigList,
  CniError,
  type CniRequest,
  type CniResult,
  type NetworkPlugin,
  NetworkProvider,
} from './contract.ts';
