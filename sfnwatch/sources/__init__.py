"""Where records come from: async iterators of batches. Only here are the SDKs."""
