from campaigns.audience.import_command import ImportCommand
from campaigns.audience.importing_contacts import Contacts


class Command(ImportCommand):
    help = (
        "Imports contacts from a CSV or XLSX file. Run it again with a newer file whenever you like: what is known is "
        "brought up to date, the same file twice changes nothing, and a killed import goes on where it was."
    )
    how_often = "whenever you have a new export; nightly is good."
    kind = Contacts()
