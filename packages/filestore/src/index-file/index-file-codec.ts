export const INDEX_FILE = 'index.db'
