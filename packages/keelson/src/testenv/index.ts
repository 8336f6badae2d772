export { quoted, writeAssets } from './assets.ts';
