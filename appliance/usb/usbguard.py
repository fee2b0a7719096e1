"""USBGuard's rule files in and out: for whoever has rules already, or checks ours with other tools."""

from appliance.usb.usbguard_export import Exported, export_rules
from appliance.usb.usbguard_import import Imported, Note, import_rules
from appliance.usb.usbguard_language import RuleFileError

__all__ = ["Exported", "Imported", "Note", "RuleFileError", "export_rules", "import_rules"]
