; The installer for Windows, which tests/deploy/windows.sh makes:
;   makensis -DPROGRAM=vetbridge.exe -DNOTICES=NOTICES.txt -DVERSION=0.1.0 -DOUTPUT=vetbridge-setup.exe vetbridge.nsi
;
; It asks for the folder of the program and for nothing else. It starts no new service before `vetbridge check` passes, stops none
; whose configuration the new program does not take, and removes nothing but what it has installed: configuration, state and log in
; %ProgramData%\vetbridge stay.

Target amd64-unicode
Name "vetbridge"
OutFile "${OUTPUT}"
!ifdef FAST
  SetCompressor zlib
!else
  SetCompressor /SOLID lzma
!endif
; Files get the time at which they are installed: those of the build would make each installer another one.
SetDateSave off
RequestExecutionLevel admin
InstallDir "$PROGRAMFILES64\vetbridge"
InstallDirRegKey HKLM "Software\vetbridge" "Folder"
ShowInstDetails show
ShowUninstDetails show
BrandingText " "

!include LogicLib.nsh
!include x64.nsh

!define SERVICE "SYSTEM\CurrentControlSet\Services\vetbridge"
!define UNINSTALL "Software\Microsoft\Windows\CurrentVersion\Uninstall\vetbridge"

VIProductVersion "${VERSION}.0"
VIAddVersionKey ProductName "vetbridge"
VIAddVersionKey ProductVersion "${VERSION}"
VIAddVersionKey FileVersion "${VERSION}"
VIAddVersionKey FileDescription "vetbridge: OpenVPMS to Healthengine"
VIAddVersionKey LegalCopyright "Apache-2.0 or MIT"

Page directory
Page instfiles
UninstPage instfiles

; Runs the program with these arguments; its output is shown, its exit status is in $0.
!macro Vetbridge folder arguments
  nsExec::ExecToLog '"${folder}\vetbridge.exe" ${arguments}'
  Pop $0
!macroend

; A program that has just ended can keep its file for a moment.
!macro DeleteProgram file
  ${For} $R0 1 40
    ClearErrors
    Delete "${file}"
    ${IfNot} ${FileExists} "${file}"
      ${ExitFor}
    ${EndIf}
    Sleep 250
  ${Next}
!macroend

; Makes room for the program. One that is in use, by a prompt or an antivirus, cannot be replaced: the service that was stopped
; goes on with it, and nothing says that there is another version.
!macro MakeRoom file
  !insertmacro DeleteProgram "${file}"
  ${If} ${FileExists} "${file}"
    Delete "$INSTDIR\vetbridge.exe.new"
    DetailPrint "${file} is in use, so nothing was installed. Close every window in which vetbridge runs, and start this installer again."
    ${If} $1 == "running"
      !insertmacro Vetbridge "$PLUGINSDIR" "service start"
      ${If} $0 != 0
        DetailPrint "The service did not start again; the line above says why. It stays stopped until somebody types: vetbridge service start"
      ${EndIf}
    ${EndIf}
    SetErrorLevel 2
    Abort
  ${EndIf}
!macroend

; Gives a file the name of the program. An antivirus that looks at what was just written can keep it for a moment.
!macro RenameToProgram from
  ${For} $R0 1 40
    ClearErrors
    Rename "${from}" "$INSTDIR\vetbridge.exe"
    ${IfNot} ${Errors}
      ${ExitFor}
    ${EndIf}
    Sleep 250
  ${Next}
!macroend

Function .onInit
  SetRegView 64
  SetShellVarContext all
FunctionEnd

; A program that could not be written whole.
Function .onInstFailed
  Delete "$INSTDIR\vetbridge.exe.new"
FunctionEnd

Function un.onInit
  SetRegView 64
  SetShellVarContext all
FunctionEnd

; $3: what the service that is installed starts its program with, but for `service run` at the end: its configuration, and the level
; of its log. Empty if Windows starts the service in another way than `vetbridge service install` sets down.
Function ArgumentsOfTheService
  ReadRegStr $3 HKLM "${SERVICE}" "ImagePath"
  ; The program comes first, in quotes if there is a blank in its path.
  StrCpy $R1 " "
  StrCpy $R2 $3 1
  ${If} $R2 == '"'
    StrCpy $R1 '"'
  ${EndIf}
  StrCpy $R0 0
  ${Do}
    IntOp $R0 $R0 + 1
    StrCpy $R2 $3 1 $R0
    ${If} $R2 == $R1
    ${OrIf} $R2 == ""
      ${ExitDo}
    ${EndIf}
  ${Loop}
  ${If} $R1 == '"'
    IntOp $R0 $R0 + 1
  ${EndIf}
  StrCpy $3 $3 "" $R0
  StrCpy $R2 $3 12 -12
  ${If} $R2 == " service run"
    StrCpy $3 $3 -12
  ${Else}
    StrCpy $3 ""
  ${EndIf}
FunctionEnd

Section
  ; Nothing is changed before it is known that the folder is one that administrators alone can fill. The program that finds out
  ; lies where nobody else can put anything beside it.
  InitPluginsDir
  File "/oname=$PLUGINSDIR\vetbridge.exe" "${PROGRAM}"
  !insertmacro Vetbridge "$PLUGINSDIR" 'service prepare --program-folder "$INSTDIR"'
  ${If} $0 != 0
    DetailPrint "Nothing was installed; the line above says why $INSTDIR cannot be the folder of the program."
    SetErrorLevel 2
    Abort
  ${EndIf}

  ; $1: how the service was before: none, stopped or running. $2: the folder of the version before. $3: what the service starts its
  ; program with.
  StrCpy $1 "none"
  StrCpy $3 '--config "$APPDATA\vetbridge\vetbridge.toml"'
  ReadRegStr $2 HKLM "${SERVICE}" "ImagePath"
  ${If} $2 != ""
    StrCpy $1 "stopped"
    !insertmacro Vetbridge "$PLUGINSDIR" "service status"
    ${If} $0 == 0
      StrCpy $1 "running"
    ${EndIf}
    ; A program that refuses the configuration would be a service that is down, so it is not installed. Status 1 is no refusal: the
    ; configuration is valid, and `check` finds fault with something that the former program lives with too.
    Call ArgumentsOfTheService
    ${If} $3 == ""
      DetailPrint "Nothing was changed. The service was not set up by vetbridge service install, so its configuration is not known:"
      DetailPrint "$2"
      DetailPrint "Type vetbridge service install --config FILE with its configuration, and start this installer again."
      SetErrorLevel 2
      Abort
    ${EndIf}
    !insertmacro Vetbridge "$PLUGINSDIR" '$3 check --offline'
    ${If} $0 != 0
    ${AndIf} $0 != 1
      DetailPrint "Nothing was changed: the new program does not take the configuration of the service; the lines above say why."
      DetailPrint "The former program is there, and the service is $1 as before."
      DetailPrint "Correct the configuration, and start this installer again."
      SetErrorLevel 2
      Abort
    ${EndIf}
  ${EndIf}
  ReadRegStr $2 HKLM "Software\vetbridge" "Folder"

  ; Closed to other users before a secret is put there, and before anything is stopped: it may be refused.
  !insertmacro Vetbridge "$PLUGINSDIR" "service prepare"
  ${If} $0 != 0
    DetailPrint "The directory $APPDATA\vetbridge is not closed to other users; the line above says why. Nothing was installed."
    DetailPrint "Do what it says, and start this installer again."
    SetErrorLevel 2
    Abort
  ${EndIf}

  ; The program comes under another name first: if there is no room for it, the former one stays, and its service runs on. Nothing
  ; else is of use without the program, so that this cannot be skipped; with /S it would be, in silence.
  SetOutPath "$INSTDIR"
  AllowSkipFiles off
  File "/oname=vetbridge.exe.new" "${PROGRAM}"
  AllowSkipFiles on

  ${If} $1 == "running"
    !insertmacro Vetbridge "$PLUGINSDIR" "service stop"
    ${If} $0 != 0
      Delete "$INSTDIR\vetbridge.exe.new"
      DetailPrint "The service does not stop, so nothing was changed. Stop it and start the installer again."
      SetErrorLevel 2
      Abort
    ${EndIf}
  ${EndIf}
  ; The one of the service last: until then it can go on.
  !insertmacro MakeRoom "$INSTDIR\vetbridge.exe"
  ${If} $2 != ""
    !insertmacro MakeRoom "$2\vetbridge.exe"
  ${EndIf}

  !insertmacro RenameToProgram "$INSTDIR\vetbridge.exe.new"
  ${IfNot} ${FileExists} "$INSTDIR\vetbridge.exe"
    DetailPrint "$INSTDIR\vetbridge.exe.new is in use, so it did not become vetbridge.exe, and no program is installed."
    DetailPrint "Start this installer again; if it stays so, have the antivirus leave $INSTDIR out."
    SetErrorLevel 2
    Abort
  ${EndIf}

  File "..\..\config\vetbridge.example.toml"
  File "/oname=windows.md" "..\..\docs\windows.md"
  File "/oname=THIRD-PARTY-NOTICES.txt" "${NOTICES}"
  File "..\..\LICENSE-APACHE"
  File "..\..\LICENSE-MIT"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  WriteRegStr HKLM "Software\vetbridge" "Folder" "$INSTDIR"
  WriteRegStr HKLM "${UNINSTALL}" "DisplayName" "vetbridge"
  WriteRegStr HKLM "${UNINSTALL}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKLM "${UNINSTALL}" "Publisher" "vetbridge"
  WriteRegStr HKLM "${UNINSTALL}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKLM "${UNINSTALL}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKLM "${UNINSTALL}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKLM "${UNINSTALL}" "NoModify" 1
  WriteRegDWORD HKLM "${UNINSTALL}" "NoRepair" 1
  ; A prompt in the folder of the program, where its commands are typed.
  SetOutPath "$INSTDIR"
  CreateShortcut "$SMPROGRAMS\vetbridge prompt.lnk" "$SYSDIR\cmd.exe" '/k cd /d "$INSTDIR"' "$INSTDIR\vetbridge.exe"

  ${If} $1 == "none"
  ${AndIfNot} ${FileExists} "$APPDATA\vetbridge\vetbridge.toml"
    CopyFiles /SILENT "$INSTDIR\vetbridge.example.toml" "$APPDATA\vetbridge\vetbridge.toml"
  ${EndIf}

  ; Where there was no service, one starts if all is well.
  ${If} $1 == "none"
    !insertmacro Vetbridge "$INSTDIR" '$3 check'
    ${If} $0 != 0
      DetailPrint "vetbridge is installed. Nothing was started, because the check above did not pass."
      DetailPrint "Open the vetbridge prompt as an administrator, correct $APPDATA\vetbridge\vetbridge.toml and type"
      DetailPrint "    vetbridge check"
      DetailPrint "    vetbridge service install --start"
      Return
    ${EndIf}
  ${EndIf}
  ; One that ran goes on, and one that somebody stopped stays so; either keeps its configuration.
  StrCpy $4 " --start"
  ${If} $1 == "stopped"
    StrCpy $4 ""
  ${EndIf}
  !insertmacro Vetbridge "$INSTDIR" '$3 service install$4'
  ${If} $0 != 0
    SetErrorLevel 1
    DetailPrint "vetbridge is installed, and its service is not as it should be; the lines above say why."
    ; What was to be set up anew may be refused. What was set up before is still there, and the service ran with it.
    ${If} $1 == "running"
      !insertmacro Vetbridge "$INSTDIR" "service start"
    ${EndIf}
  ${EndIf}
SectionEnd

Section Uninstall
  ; A service that stays needs its program, and this uninstaller for the next attempt.
  !insertmacro Vetbridge "$INSTDIR" "service uninstall"
  ${If} $0 != 0
    ReadRegStr $1 HKLM "${SERVICE}" "ImagePath"
    ${If} $1 != ""
      DetailPrint "The service was not removed; the line above says why. Nothing else was removed either."
      DetailPrint "Do what it says, or type as an administrator: sc delete vetbridge. Then uninstall again."
      SetErrorLevel 2
      Abort
    ${EndIf}
  ${EndIf}
  !insertmacro DeleteProgram "$INSTDIR\vetbridge.exe"
  ${If} ${FileExists} "$INSTDIR\vetbridge.exe"
    DetailPrint "$INSTDIR\vetbridge.exe is in use. Close every window in which vetbridge runs, and uninstall again."
    SetErrorLevel 2
    Abort
  ${EndIf}
  Delete "$INSTDIR\vetbridge.exe.new"
  Delete "$INSTDIR\vetbridge.example.toml"
  Delete "$INSTDIR\windows.md"
  Delete "$INSTDIR\THIRD-PARTY-NOTICES.txt"
  Delete "$INSTDIR\LICENSE-APACHE"
  Delete "$INSTDIR\LICENSE-MIT"
  Delete "$INSTDIR\uninstall.exe"
  Delete "$SMPROGRAMS\vetbridge prompt.lnk"
  RMDir "$INSTDIR"
  DeleteRegKey HKLM "${UNINSTALL}"
  DeleteRegKey HKLM "Software\vetbridge"
  DetailPrint "Configuration, state and log are still in $APPDATA\vetbridge. Delete that directory if they are not wanted any more."
SectionEnd
