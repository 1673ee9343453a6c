import os
import sys

# The walk's browser is the same for every version of the SDK.
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "python"))
